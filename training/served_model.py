"""The registered model as MLflow loads it: this file is logged as code and reads the bundle beside it.

Never imported: MLflow runs it, when a model is logged and when one is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel

from features.vector import FEATURES
from serving.model import Bundle
from serving.part import PartName


class ServedModel(PythonModel):  # type: ignore[misc]
    """Probabilities for rows of features; the columns of ``tracking.KEYS`` say of what."""

    def load_context(self, context: Any) -> None:
        """Read the bundle. Raises ModelError when it was fitted to other features."""
        self._bundle = Bundle.load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002 - MLflow's form
        """One probability per row; NaN where the model has no such part. Organic rows have an empty channel."""
        X = model_input[[f.name for f in FEATURES]].to_numpy(dtype=np.float32)
        found = np.full(len(X), np.nan)
        for (name, kind), rows in model_input.reset_index(drop=True).groupby(["part", "kind"]):
            part = self._bundle.part(PartName(str(name)), str(kind))
            if part is not None:
                of = rows.index.to_numpy()
                told = (rows[name].fillna("").tolist() for name in ("offer_id", "category", "channel"))
                found[of] = part.probability(X[of], list(zip(*told, strict=True)))
        return pd.DataFrame({"probability": found})


mlflow.models.set_model(ServedModel())

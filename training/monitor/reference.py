"""What a model was learnt from, as histograms beside its bundle: what it will see later is held against them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from features.vector import FEATURES
from serving.histogram import Histogram
from training.contest import MODEL, Contest
from training.samples import Samples

FILE = "reference.json"


@dataclass(frozen=True)
class Reference:
    """Histograms by name, with how many different customers they are of."""

    customers: int
    features: Mapping[str, Histogram]
    predictions: Mapping[str, Histogram]
    """Calibrated probabilities of judged rows, by ``kind.part``."""

    def write(self, folder: Path) -> None:
        """Put it beside a bundle."""
        (folder / FILE).write_text(json.dumps(asdict(self)))

    @staticmethod
    def read(folder: Path) -> Reference | None:
        """The one beside a bundle; None where there is none, as beside models of older builds."""
        try:
            raw = json.loads((folder / FILE).read_text())
        except FileNotFoundError:
            return None
        return Reference(raw["customers"], _read(raw["features"]), _read(raw["predictions"]))


def _read(raw: Mapping[str, Mapping[str, list[float]]]) -> dict[str, Histogram]:
    return {name: Histogram(tuple(each["edges"]), tuple(each["counts"])) for name, each in raw.items()}


def reference_of(samples: Samples, contests: Iterable[Contest]) -> Reference:
    """The contacts that were learnt from, and what was said of those that were judged."""
    sent = samples.labels["channel"].is_valid().to_numpy(zero_copy_only=False)
    X = samples.X[sent] if sent.any() else samples.X
    features = {f.name: Histogram.of(X[:, place].astype(np.float64)) for place, f in enumerate(FEATURES)}
    predictions = {f"{c.kind}.{c.name}": Histogram.of(c.said[MODEL]) for c in contests}
    return Reference(len(set(samples.labels["customer_id"].to_pylist())), features, predictions)

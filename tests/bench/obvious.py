"""What is built most often: FastAPI, ``get_online_features`` and three models of LightGBM on a row per pair.

What it serves from stands in ``BENCH_OBVIOUS`` as JSON: the repository and the configuration of Feast, the features
asked for, the files of the models, and how many pairs there are.
"""

import json
import os
from pathlib import Path

import lightgbm
import numpy as np
from fastapi import FastAPI
from feast import FeatureStore
from pydantic import BaseModel

TOLD = json.loads(os.environ["BENCH_OBVIOUS"])
store = FeatureStore(repo_path=TOLD["repo"], fs_yaml_file=Path(TOLD["yaml"]))
boosters = [lightgbm.Booster(model_file=model) for model in TOLD["models"]]
rows = [np.random.default_rng(1).gamma(2, 1, (TOLD["pairs"], each.num_feature())).astype("f4") for each in boosters]
app = FastAPI()


class Asked(BaseModel):
    """Who is to get an offer."""

    customer_id: str


@app.post("/decide")
def decide(asked: Asked) -> dict[str, object]:
    """The ten pairs of the highest value."""
    found = store.get_online_features(features=TOLD["refs"], entity_rows=[{"customer_id": asked.customer_id}]).to_dict()
    known = np.array([each[0] or 0.0 for name, each in found.items() if name != "customer_id"], dtype="f4")
    said = []
    for booster, pairs in zip(boosters, rows, strict=True):
        X = pairs.copy()
        X[:, : len(known)] = known[: X.shape[1]]
        said.append(booster.predict(X, num_threads=1))
    value = said[0] - said[1]
    best = np.argsort(-value)[:10]
    return {"items": [{"pair": int(pair), "value": float(value[pair])} for pair in best]}

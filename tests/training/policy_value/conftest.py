"""A mailing with four arms in the form of the contract: one wave, profile columns only, no events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from features.domain import Instant
from features.instant import parse_instant

ARMS = (None, "blue", "red")
AT: Instant = parse_instant("2025-03-01T10:00:00Z")


def write_mailing(folder: Path, n: int, seed: int, effect: float = 0.1) -> NDArray[np.float64]:
    """Red is for the older half, blue for the women among the younger; the true value of every arm, ``[n, 3]``."""
    rng = np.random.default_rng(seed)
    age, female = rng.uniform(18, 80, n), rng.random(n) < 0.5
    anyway = np.where(rng.random(n) < 0.5, 0.05, 0.15)
    suits = np.stack([np.zeros(n), (age < 49) & female, age >= 49], axis=1)
    chance = anyway[:, None] + effect * suits
    arm = rng.integers(0, 3, n)
    taken = rng.random(n) < chance[np.arange(n), arm]
    ids = [f"c{i}" for i in range(n)]
    offers = [ARMS[a] for a in arm.tolist()]
    tables = {
        "customers": {"customer_id": ids, "age_years": age, "gender": np.where(female, "f", "m").tolist()},
        "identities": {"customer_id": ids, "namespace": ["crm"] * n, "value": ids},
        "channels": {"channel": ["email"], "direction": ["outbound"], "cost_minor": [10.0]},
        "offers": {
            "offer_id": ["red", "blue"],
            "kind": ["mailing"] * 2,
            "category": ["a", "b"],
            "name": ["Red", "Blue"],
            "channels": [["email"]] * 2,
            "margin_minor": [2_000, 2_000],
            "incentive_minor": [200, 200],
        },
        "decisions": {
            "decision_id": [f"d{i}" for i in range(n)],
            "customer_id": ids,
            "kind": ["mailing"] * n,
            "decided_at": pa.array([AT] * n).cast(pa.timestamp("us", "UTC")),
            "offer_id": pa.array(offers, pa.string()),
            "channel": pa.array([None if offer is None else "email" for offer in offers], pa.string()),
            "probability": [1 / 3] * n,
            "taken": taken,
        },
    }
    folder.mkdir(parents=True)
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return chance * np.array([2_000, 1_800, 1_800]) - np.array([0, 10, 10])


@pytest.fixture(scope="session")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.float64]]:
    """The folder with a clear effect, and the truth. Do not write into it."""
    folder = tmp_path_factory.mktemp("mailing") / "tables"
    return folder, write_mailing(folder, 6_000, seed=1)

"""From feature files to a fitted booster that is logged, beside reading the same matrix and fitting.

Ours: labels, Feast's retrieval as of each decision, the matrix, one fit, MLflow. The plain way: the matrix from a file
and ``lightgbm.train`` with the same parameters. No baselines, cross-fitting, bootstrap or plots in either.
``make bench PART=training``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from features.catalogue import Catalogue
from features.domain import OfferId
from serving.settings import Settings, read_settings
from tests.bench.report import Figure, write
from training import tracking
from training.assemble import ALL_NAMES, assembled
from training.feature_store import open_store
from training.labels import labels
from training.retrieve import InFeast, Remembered

ROWS = 20_000
TREES = 300
PARAMETERS = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "verbose": -1, "seed": 1}


@dataclass
class Stages:
    """Seconds of each stage."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count what follows towards a stage."""
        started = time.perf_counter()
        yield
        self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class Timed:
    """What Feast remembers, and how long it took to say so."""

    known: Remembered
    stages: Stages

    def customers(self, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
        """See Remembered."""
        with self.stages.of("retrieval of customers"):
            return self.known.customers(customer_ids, at)

    def evidence(self, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
        """See Remembered."""
        with self.stages.of("retrieval of offers"):
            return self.known.evidence(offer_ids, at)


def fitted(X: NDArray[np.float32], y: NDArray[np.float64], threads: int) -> lightgbm.Booster:
    """One booster."""
    data = lightgbm.Dataset(X, y, feature_name=list(ALL_NAMES))
    return lightgbm.train(PARAMETERS | {"num_threads": threads}, data, TREES)


def ours(settings: Settings, log_to: Path, stages: Stages) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The pipeline; the matrix and the outcomes that it fitted."""
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    with stages.of("labels"):
        found = labels(settings.contract_dir, catalogue.now, seed=settings.seed, threads=settings.threads)
        asked = found.filter(pc.is_valid(found["taken"])).slice(0, ROWS)
        y = asked["taken"].to_numpy().astype(np.float64)
    before = dict(stages.spent)
    started = time.perf_counter()
    X = assembled(Timed(InFeast(open_store(settings)), stages), catalogue, asked).X
    took = time.perf_counter() - started
    stages.spent["matrix"] = took - sum(stages.spent.values()) + sum(before.values())
    with stages.of("fit"):
        booster = fitted(X, y, settings.threads)
    with (
        stages.of("log to MLflow"),
        tracking.run(replace(settings, data_dir=log_to), "bench", "bench", "A benchmark's fit.", {}),
    ):
        tracking.log_parameters(PARAMETERS)
        tracking.log_text(booster.model_to_string(), "model.txt")
    return X, y


def main() -> None:
    """Measure, print, and write the report."""
    settings, stages, plain = read_settings(os.environ), Stages(), Stages()
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder, threadpool_limits(1, "blas"):
        X, y = ours(settings, Path(folder), stages)
        np.savez(Path(folder) / "matrix.npz", X=X, y=y)
        with plain.of("reading the matrix"):
            read = np.load(Path(folder) / "matrix.npz")
            X, y = read["X"], read["y"]
        with plain.of("lightgbm.train"):
            fitted(X, y, settings.threads)
    both = sum(stages.spent.values()), sum(plain.spent.values())
    lines = [f"| {len(y):,} rows, {X.shape[1]} features, {TREES} trees | seconds |", "|---|---|"]
    lines += [f"| {name} | {took:.2f} |" for name, took in stages.spent.items()]
    lines += [f"| together | {both[0]:.2f} |"]
    lines += [f"| the plain way: {name} | {took:.2f} |" for name, took in plain.spent.items()]
    figures = [Figure("training pipeline ÷ reading the matrix and lightgbm.train", both[0] / both[1], 1.3, 1.3, True)]
    write(settings, "training", figures, lines, {"ours_s": stages.spent, "plain_s": plain.spent})


if __name__ == "__main__":
    main()

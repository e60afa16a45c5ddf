"""From feature files to a fitted booster that is logged, beside reading the same matrix and fitting.

Ours: Feast's retrieval as of each decision, the matrix, one fit, MLflow. The plain way: the matrix from a file and
``lightgbm.train`` with the same parameters. No baselines, cross-fitting, bootstrap or plots in either; the labels,
which both need, are told beside. All decisions of the source with a known outcome, in turns, wall and CPU time; a first
round, in which Feast and MLflow load themselves and make their files, does not count. ``make bench PART=training``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from features.catalogue import Catalogue
from features.domain import OfferId
from serving.settings import Settings, read_settings
from tests.bench.report import Figure, spread_table, write
from training import tracking
from training.assemble import ALL_NAMES, assembled
from training.feature_store import open_store
from training.labels import labels
from training.retrieve import InFeast, Remembered
from training.spent import Spent

ROUNDS = 3
TREES = 300
PARAMETERS = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "verbose": -1, "seed": 1}
Matrix = tuple[NDArray[np.float32], NDArray[np.float64]]
"""Features ``[n, n_features]`` and outcomes ``[n]``."""


@dataclass(frozen=True)
class Timed:
    """What Feast remembers, and how long it took to say so."""

    known: Remembered
    spent: Spent

    def customers(self, customer_ids: Sequence[str], at: NDArray[np.int64]) -> pa.Table:
        """See Remembered."""
        with self.spent.on("retrieval of customers"):
            return self.known.customers(customer_ids, at)

    def evidence(self, offer_ids: Sequence[OfferId], at: NDArray[np.int64]) -> pa.Table:
        """See Remembered."""
        with self.spent.on("retrieval of offers"):
            return self.known.evidence(offer_ids, at)


def fitted(matrix: Matrix, threads: int) -> lightgbm.Booster:
    """One booster."""
    data = lightgbm.Dataset(*matrix, feature_name=list(ALL_NAMES))
    return lightgbm.train(PARAMETERS | {"num_threads": threads}, data, TREES)


def ours(settings: Settings, catalogue: Catalogue, asked: pa.Table, log_to: Path, spent: Spent) -> Matrix:
    """The pipeline; what it fitted."""
    with spent.on("matrix"):
        known = Timed(InFeast(open_store(settings), settings.threads), spent)
        frame = assembled(known, catalogue, asked, threads=settings.threads)
        matrix = frame.X, asked["taken"].cast(pa.uint8()).to_numpy().astype(np.float64)
    with spent.on("fit"):
        booster = fitted(matrix, settings.threads)
    with (
        spent.on("log to MLflow"),
        tracking.run(replace(settings, data_dir=log_to), "bench", "bench", "A benchmark's fit.", {}),
    ):
        tracking.log_parameters(PARAMETERS)
        tracking.log_text(booster.model_to_string(), "model.txt")
    return matrix


def plainly(settings: Settings, file: Path, spent: Spent) -> None:
    """The plain way."""
    with spent.on("plain: reading the matrix"):
        read = pq.read_table(file)
        X = np.empty((len(read), len(ALL_NAMES)), dtype=np.float32)
        for place, name in enumerate(ALL_NAMES):
            X[:, place] = read[name].to_numpy()
        matrix = X, read["taken"].to_numpy()
    with spent.on("plain: lightgbm.train"):
        fitted(matrix, settings.threads)


def measure(settings: Settings) -> tuple[list[Spent], list[Spent], Spent, tuple[int, int]]:
    """The stages of both in each round, those before, and the shape of the matrix."""
    catalogue, before = Catalogue.from_json(settings.catalogue_file.read_text()), Spent()
    with before.on("before: labels"):
        found = labels(settings.contract_dir, catalogue.now, seed=settings.seed, threads=settings.threads)
        asked = found.filter(pc.is_valid(found["taken"]))
    pipeline, plain = [], []
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        file = Path(folder) / "matrix.parquet"
        for _ in range(ROUNDS + 1):
            pipeline.append(Spent())
            X, y = ours(settings, catalogue, asked, Path(folder), pipeline[-1])
            if not file.exists():
                columns = {name: X[:, place] for place, name in enumerate(ALL_NAMES)}
                pq.write_table(pa.table(columns | {"taken": y}), file)
            plain.append(Spent())
            plainly(settings, file, plain[-1])
    return pipeline[1:], plain[1:], before, X.shape


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    with threadpool_limits(1, "blas"):
        pipeline, plain, before, (n_rows, n_features) = measure(settings)
    shares, rounds = [], {}
    for place, unit in enumerate(("wall", "CPU")):
        both = [(a.together()[place], b.together()[place]) for a, b in zip(pipeline, plain, strict=True)]
        what = f"training pipeline ÷ reading the matrix and lightgbm.train, {unit} time"
        shares.append(Figure(what, median(a / b for a, b in both), 1.3, 1.3, less_is_better=True))
        for each, runs in (("together", pipeline), ("plain: together", plain)):
            for name in runs[0].seconds:
                rounds[f"{name}, {unit}"] = [run.seconds[name][place] for run in runs]
            rounds[f"{each}, {unit}"] = [run.together()[place] for run in runs]
        rounds[f"before: labels, {unit}"] = [before.seconds["before: labels"][place]]
    heading = f"{n_rows:,} rows, {n_features} features, {TREES} trees, {settings.threads} threads"
    write(settings, "training", shares, spread_table(rounds, "seconds", heading), rounds)


if __name__ == "__main__":
    main()

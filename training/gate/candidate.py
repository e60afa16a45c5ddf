"""One model before the gate: what it said of judged decisions, what it would have served, how large and slow it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.vector import FEATURES
from serving.model import Bundle
from training.bundle import PREDICTIONS
from training.gate.served import Served

PAIRS = 400
"""Pairs scored at once when time is taken: a hundred offers on four channels."""
TIMES = 7


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Everything that the checks look at."""

    version: str
    said: pd.DataFrame | None
    """Judged rows with ``part, kind, decision_id, customer_id, offer_id, channel, taken, weight, probability,
    popularity``; None for a model that was never judged."""
    served: Served | None
    """None where no probabilities were logged: its value cannot be measured."""
    scoring_ms: float
    """Processor time for PAIRS pairs by all parts, median, milliseconds."""
    size_mb: float
    constant: bool
    """Everybody is judged by what earned most in the log: the best constant."""
    summary: dict[str, object]
    """What training found of each part, ``bundle.json``'s own."""

    @staticmethod
    def of(bundle: Bundle, folder: Path) -> Candidate:
        """The candidate in a folder."""
        file = folder / PREDICTIONS
        sizes = [f.stat().st_size for f in folder.iterdir() if f.suffix in (".json", ".txt")]
        return Candidate(
            bundle.version,
            pd.read_parquet(file) if file.exists() else None,
            Served.read(folder),
            scoring_ms(bundle),
            sum(sizes) / 2**20,
            "constant" in bundle.about,
            dict(bundle.about.get("summary", {})),
        )


def scoring_ms(bundle: Bundle) -> float:
    """Processor time that all parts together take for PAIRS pairs, median of TIMES after one to warm up."""
    X = np.random.default_rng(0).gamma(1.0, 5.0, (PAIRS, len(FEATURES))).astype(np.float32)
    pairs = [("offer", "category", "channel")] * PAIRS
    took = []
    for _ in range(TIMES + 1):
        started = time.process_time()
        for part in bundle.parts.values():
            part.probability(X, pairs)
        took.append(1_000 * (time.process_time() - started))
    return float(np.median(took[1:]))

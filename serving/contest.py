"""Champion and challenger on the same decisions: how often they choose alike, and what either thinks of the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from serving.histogram import Floats, Histogram, psi
from serving.monitored import Gauge

LATEST = 1_000
"""Decisions that are told of."""
SILENT = -1


@dataclass(frozen=True, slots=True)
class Compared:
    """One decision, by both; amounts in minor units."""

    champion: float
    """The best score it sees, at least 0, which is that of silence."""
    challenger: float
    alike: bool
    by_champion: float
    """What it thinks the challenger's choice is worth beyond its own; not positive."""
    by_challenger: float
    """What the challenger thinks its choice is worth beyond the champion's; not negative."""


def compared(champion: Floats, challenger: Floats) -> Compared:
    """By the scores of the same eligible pairs, ``[n_pairs]``, with silence among the choices."""
    own, other = _best(champion), _best(challenger)
    return Compared(
        _at(champion, own),
        _at(challenger, other),
        own == other,
        _at(champion, other) - _at(champion, own),
        _at(challenger, other) - _at(challenger, own),
    )


def _best(scores: Floats) -> int:
    best = int(scores.argmax()) if len(scores) else SILENT
    return best if best != SILENT and scores[best] > 0 else SILENT


def _at(scores: Floats, choice: int) -> float:
    found = 0.0 if choice == SILENT else float(scores[choice])
    return found if np.isfinite(found) else 0.0


@dataclass
class Contest:
    """The latest comparisons with one challenger."""

    challenger: str
    dropped: int = 0
    failed: int = 0
    latest: deque[Compared] = field(default_factory=lambda: deque(maxlen=LATEST))

    def gauges(self) -> list[Gauge]:
        """What the service shows."""
        name, told = (self.challenger,), list(self.latest)
        found = [
            Gauge("kairos_shadow_decisions", name, float(len(told))),
            Gauge("kairos_shadow_dropped", name, float(self.dropped)),
            Gauge("kairos_shadow_failed", name, float(self.failed)),
        ]
        if told:
            ours = Histogram.of(np.array([each.champion for each in told]))
            theirs = Histogram.between(ours.edges, np.array([each.challenger for each in told]))
            found += [
                Gauge("kairos_shadow_agreement", name, sum(each.alike for each in told) / len(told)),
                Gauge("kairos_shadow_value_minor", (*name, "champion"), _mean([e.by_champion for e in told])),
                Gauge("kairos_shadow_value_minor", (*name, "challenger"), _mean([e.by_challenger for e in told])),
                Gauge("kairos_shadow_drift", name, psi(ours, theirs)),
            ]
        return found


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)

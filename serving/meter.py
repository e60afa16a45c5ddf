"""Counts what was answered, cheaply enough for every decision: a few additions under one lock, no text, no names.

``METRICS`` is everything that ``/metrics`` shows, whoever measures it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from threading import Lock

from serving.desk import Made

SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0)
"""Upper bounds of the histogram of how long a decision took."""
Reading = tuple[str, tuple[str, ...], float]
"""A metric of METRICS, the values of its labels, and what was measured."""
LATEST = 1_000
"""Decisions over which the share of fallback is told."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of ``/metrics``."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "kairos_decisions",
            "counter",
            ("outcome", "group", "recorded"),
            "Decisions, by outcome (offer, silence), group (learnt, random, control) and whether they were recorded.",
        ),
        Metric("kairos_fallback", "counter", ("reason",), "Decisions that had to do without something, by what."),
        Metric("kairos_fallback_share", "gauge", (), "Share of the latest 1,000 decisions that were a fallback."),
        Metric("kairos_first_choice", "counter", ("channel",), "First choices, by channel."),
        Metric("kairos_items", "counter", ("channel",), "Everything that was offered, by channel."),
        Metric("kairos_value_minor", "counter", (), "Modelled value of the first choices, minor units."),
        Metric("kairos_decision_seconds", "histogram", (), "How long a decision took, its record included."),
        Metric("kairos_ready", "gauge", (), "1 where nothing is missing that the service decides with."),
        Metric("kairos_model", "gauge", ("version",), "1 for the model that decides."),
        Metric(
            "kairos_price_minor", "gauge", ("key",), "What a unit of something scarce costs in scores, minor units."
        ),
        Metric("kairos_monitor_age_seconds", "gauge", (), "Age of the monitor's last report."),
        Metric(
            "kairos_drift", "gauge", ("of", "name"), "Population stability index of features, scores and predictions."
        ),
        Metric("kairos_calibration", "gauge", ("channel",), "Seen outcomes per predicted one; 1 is calibrated."),
        Metric("kairos_coverage", "gauge", ("of",), "Share of the catalogue's offers, of channels, of customers."),
        Metric(
            "kairos_outcome_rate", "gauge", ("window",), "Outcomes per offer made, in the recent and earlier window."
        ),
        Metric("kairos_shadow_decisions", "gauge", ("challenger",), "Latest decisions that the challenger made again."),
        Metric("kairos_shadow_dropped", "gauge", ("challenger",), "Decisions left out because the shadow was late."),
        Metric("kairos_shadow_failed", "gauge", ("challenger",), "Decisions that the challenger could not make again."),
        Metric("kairos_shadow_agreement", "gauge", ("challenger",), "Share of them with the champion's first choice."),
        Metric(
            "kairos_shadow_value_minor",
            "gauge",
            ("challenger", "by"),
            "Mean value of the challenger's first choice beyond the champion's, by either model, minor units.",
        ),
        Metric(
            "kairos_shadow_drift", "gauge", ("challenger",), "Population stability index of its best scores to theirs."
        ),
        Metric("kairos_alert", "gauge", ("name",), "1 where a threshold of the monitor is passed, 0 where it is not."),
    )
}


@dataclass(frozen=True)
class Tally:
    """What was counted up to a moment."""

    decisions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    fallback: Counter[str] = field(default_factory=Counter)
    first_choice: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    took: Counter[int] = field(default_factory=Counter)
    """By the place of the bound in SECONDS, one beyond for the rest."""
    seconds: float = 0.0
    value: float = 0.0
    fallback_share: float | None = None
    """None before the first decision."""


class Meter:
    """Counts decisions; may be shared between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        # Not counters, which ask a function of Python's what is not there yet.
        self._decisions: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._fallback: defaultdict[str, int] = defaultdict(int)
        self._first: defaultdict[str, int] = defaultdict(int)
        self._items: defaultdict[str, int] = defaultdict(int)
        self._took: defaultdict[int, int] = defaultdict(int)
        self._seconds = self._value = 0.0
        self._latest: deque[bool] = deque(maxlen=LATEST)

    def decided(self, made: Made, seconds: float, recorded: bool) -> None:
        """Count one decision as it was answered."""
        decision = made.decision
        menu, shortfalls = decision.menu, decision.shortfalls
        kind = ("offer" if len(menu) else "silence", decision.draw.group.value, "yes" if recorded else "no")
        named = [channel for _, channel in menu.named]
        with self._lock:
            self._decisions[kind] += 1
            self._took[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds
            self._latest.append(bool(shortfalls))
            for shortfall in shortfalls:
                self._fallback[shortfall.lack] += 1
            if named:
                self._first[named[0]] += 1
                self._value += menu.figures.item(1)
                for name in named:
                    self._items[name] += 1

    def tally(self) -> Tally:
        """Everything counted so far."""
        with self._lock:
            return Tally(
                Counter(self._decisions),
                Counter(self._fallback),
                Counter(self._first),
                Counter(self._items),
                Counter(self._took),
                self._seconds,
                self._value,
                sum(self._latest) / len(self._latest) if self._latest else None,
            )

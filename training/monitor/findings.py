"""The comparison of a recent window with what was learnt from and with the time before, and what is alarming in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.vector import FEATURES
from serving.histogram import Floats, Histogram, psi
from serving.monitored import Gauge
from training.monitor.outcomes import Calibration, Z, changed
from training.monitor.reference import Reference
from training.monitor.stability import noise
from training.monitor.window import Window

OF_CUSTOMERS = ("customer", "profile")
"""Groups of features that do not depend on which offer was chosen: only these are compared between all decisions."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is alarming."""

    least: int
    psi: float
    calibration: float
    fallback: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Drift:
    """One distribution against another."""

    of: str
    """feature, prediction or score."""
    name: str
    against: str
    """training, or the earlier window."""
    psi: float
    noise: float
    """Below which it may be chance."""

    def passes(self, limit: float) -> bool:
        """Beyond the limit, and not by chance."""
        return self.psi > max(limit, self.noise)


@dataclass(frozen=True, slots=True)
class Alert:
    """One threshold."""

    name: str
    on: bool | None
    """None: it cannot be measured."""
    sentence: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Compared:
    """Everything that was found."""

    drifts: tuple[Drift, ...]
    calibration: Mapping[str, Calibration]
    """By channel; of offers whose windows ended in the recent days."""
    before: Calibration
    """Of offers whose windows ended before."""
    now: Calibration
    coverage: Mapping[str, float]
    fallback: float | None
    alerts: tuple[Alert, ...] = field(default=())

    def gauges(self) -> Iterator[Gauge]:
        """What the service shows of it; of several comparisons of one distribution the first."""
        shown = set[tuple[str, str]]()
        for drift in self.drifts:
            if (drift.of, drift.name) not in shown:
                shown.add((drift.of, drift.name))
                yield Gauge("kairos_drift", (drift.of, drift.name), drift.psi)
        for channel, found in self.calibration.items():
            if found.ratio is not None:
                yield Gauge("kairos_calibration", (channel,), found.ratio)
        for name, share in self.coverage.items():
            yield Gauge("kairos_coverage", (name,), share)
        for window, found in (("recent", self.now), ("earlier", self.before)):
            if found.rows:
                yield Gauge("kairos_outcome_rate", (window,), found.taken / found.rows)
        for alert in self.alerts:
            if alert.on is not None:
                yield Gauge("kairos_alert", (alert.name,), float(alert.on))


def drifts(recent: Window, earlier: Window, reference: Reference | None, least: int) -> Iterator[Drift]:
    """Every distribution of which there is enough, against training first, then against the earlier window."""
    n, before = float(recent.customers), float(earlier.customers)
    groups = {f.name: str(f.group) for f in FEATURES}
    learnt = reference.features if reference is not None else {}
    for place, feature in enumerate(FEATURES):
        now = recent.X[:, place].astype(np.float64)
        if groups[feature.name] not in OF_CUSTOMERS or len(now) < least:
            continue
        if reference is not None and feature.name in learnt:
            yield _drift("feature", feature.name, "training", learnt[feature.name], now, reference.customers, n)
        if len(earlier.X) >= least:
            held = Histogram.of(earlier.X[:, place].astype(np.float64))
            yield _drift("feature", feature.name, "earlier", held, now, before, n)
    for name, said in recent.said.items():
        if len(said) < least:
            continue
        if len(earlier.said.get(name, ())) >= least:
            yield _drift("prediction", name, "earlier", Histogram.of(earlier.said[name]), said, before, n)
        elif reference is not None and name in reference.predictions:
            yield _drift("prediction", name, "training", reference.predictions[name], said, reference.customers, n)
    if min(len(recent.score), len(earlier.score)) >= least:
        yield _drift("score", "first_choice", "earlier", Histogram.of(earlier.score), recent.score, before, n)


def _drift(of: str, name: str, against: str, held: Histogram, now: Floats, before: float, customers: float) -> Drift:
    found = psi(held, Histogram.between(held.edges, now))
    return Drift(of, name, against, found, noise(held, before, customers))


def alerts(found: Compared, limits: Limits, recent: Window) -> Iterator[Alert]:
    """Every threshold, passed or not, or why it cannot be told."""
    for of, sentence in (
        ("feature", "Customers are not those that the model learnt from"),
        ("prediction", "The model says other things than before"),
        ("score", "First choices are worth something else than before"),
    ):
        yield _of_drift(of, sentence, [d for d in found.drifts if d.of == of], limits)
    yield _of_calibration(found.calibration, limits)
    yield _of_outcomes(found, limits)
    if recent.decisions < limits.least:
        few = f"{recent.decisions:,} recent decisions; {limits.least:,} are needed."
        yield Alert("coverage", None, few)
        yield Alert("fallback", None, few)
        return
    share = found.coverage["offers"]
    told = f"{share:.0%} of the offers that could be made were made; at least {limits.coverage:.0%} are expected."
    yield Alert("coverage", share < limits.coverage, told, share, limits.coverage)
    fallback = found.fallback or 0.0
    told = f"{fallback:.1%} of the decisions were a fallback; up to {limits.fallback:.1%} is no alert."
    yield Alert("fallback", fallback > limits.fallback, told, fallback, limits.fallback)


def _of_drift(of: str, sentence: str, found: Sequence[Drift], limits: Limits) -> Alert:
    if not found:
        return Alert(f"drift_{of}", None, f"Too little to compare: {limits.least:,} rows are needed on either side.")
    passing = sorted((d for d in found if d.passes(limits.psi)), key=lambda d: -d.psi)
    worst = max(found, key=lambda d: d.psi)
    if not passing:
        told = f"No {of} has drifted; the most is {worst.name} with {worst.psi:.3f} against {worst.against}."
        return Alert(f"drift_{of}", False, told, worst.psi, limits.psi)
    names = ", ".join(f"{d.name} {d.psi:.2f} (against {d.against})" for d in passing[:5])
    told = f"{sentence}: {len(passing)} of {len(found)} comparisons are beyond {limits.psi:g}: {names}."
    return Alert(f"drift_{of}", True, told, passing[0].psi, limits.psi)


def _of_calibration(found: Mapping[str, Calibration], limits: Limits) -> Alert:
    enough = {name: each for name, each in found.items() if each.rows >= limits.least and each.ratio is not None}
    if not enough:
        return Alert("calibration", None, f"No channel has {limits.least:,} offers whose window has just ended.")
    off = {name: each for name, each in enough.items() if _off(each, limits.calibration)}
    told = ", ".join(f"{name} {each.ratio:.2f}" for name, each in (off or enough).items())
    worst = max((abs(np.log(max(each.ratio or 0.0, 1e-9))) for each in enough.values()), default=0.0)
    sentence = "Outcomes miss what was predicted" if off else "Outcomes are as predicted"
    return Alert(
        "calibration", bool(off), f"{sentence}; seen per predicted: {told}.", float(np.exp(worst)), limits.calibration
    )


def _off(found: Calibration, limit: float) -> bool:
    ratio = found.ratio or 0.0
    return (ratio > limit or ratio < 1.0 / limit) and abs(found.z) > Z


def _of_outcomes(found: Compared, limits: Limits) -> Alert:
    before, now = found.before, found.now
    if min(before.rows, now.rows) < limits.least:
        rows = f"{now.rows:,} recent and {before.rows:,} earlier offers have an outcome"
        return Alert("outcomes", None, f"{rows}; {limits.least:,} of each are needed.")
    rate, was = now.taken / now.rows, before.taken / before.rows
    times = rate / was if was > 0 else float("inf")
    on = abs(changed(before, now)) > Z and (times > limits.calibration or times < 1.0 / limits.calibration)
    told = f"{rate:.2%} of what was offered was taken, {was:.2%} before."
    return Alert("outcomes", on, told, times, limits.calibration)


def by_channel(pairs: Iterable[tuple[str, Calibration]]) -> dict[str, Calibration]:
    """Those that have any rows."""
    return {name: each for name, each in pairs if each.rows}

"""Everything that is measured of the policies on one log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.ope.dr import dr
from training.ope.log import Log
from training.ope.overlap import Overlap
from training.ope.ratios import Ratios
from training.ope.snips import snips
from training.ope.terms import gain
from training.ope.verdict import Verdict, verdict
from training.ope.wald import wald
from training.policy_value.policies import CONSTANT, RANDOM, UNGATED, Scored, logs
from training.reliability import Reliability, reliability
from training.resampling import Interval
from training.uplift.fixed_volume import FixedVolume, fixed_volume
from training.uplift.qini import Curve, curve
from training.value.trial import Floats, Index, Trial

DRAWS = 1_000
QINI_DRAWS = 30


@dataclass(frozen=True, slots=True)
class Worth:
    """One policy; money is minor units per decision."""

    robust: Interval | None
    """Doubly robust; None below the limits: a number that is not to be trusted is not shown."""
    snips: Interval | None
    against_constant: Verdict
    """The doubly robust gain over the best constant, or why nothing is said of it."""
    against_random: Verdict
    effective_sample: float
    matched_positives: float
    mean_weight: float | None


@dataclass(frozen=True, slots=True)
class AtVolume:
    """One learner at fixed volume: shares of what chance earns with as many of each arm."""

    gain: Interval | None
    against_kairos: Interval | None
    """Kairos' gain less this one's, in pairs; None for itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Uplift:
    """One arm against nothing, ranked by the uplift that was predicted; purchases per 1,000 customers."""

    arm: str
    curve: Curve
    qini: Interval
    auuc: float


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The whole report."""

    worth: Mapping[str, Worth]
    volume: Mapping[str, AtVolume]
    uplift: tuple[Uplift, ...]
    calibration: Reliability
    """Of the probability that anything is bought."""


def judge(found: Scored, seed: int) -> Judged:
    """Measure everything."""
    made = logs(found)
    return Judged(
        {name: _worth(log, made[CONSTANT], made[RANDOM]) for name, log in made.items()},
        _volumes(found, seed),
        tuple(_uplifts(found, seed)),
        _calibration(found, seed),
    )


def _worth(log: Log, constant: Log, random: Log) -> Worth:
    overlap = Overlap.of(log)
    return Worth(
        verdict(wald(Ratios.of(dr(log))), (overlap,)).interval,
        verdict(wald(Ratios.of(snips(log))), (overlap,)).interval,
        _above(log, constant, overlap),
        _above(log, random, overlap),
        overlap.effective_sample,
        overlap.matched_positives,
        overlap.mean_weight,
    )


def _above(log: Log, other: Log, overlap: Overlap) -> Verdict:
    return verdict(wald(Ratios.of(gain(dr(log), dr(other)))), (overlap, Overlap.of(other)))


def _volumes(found: Scored, seed: int) -> dict[str, AtVolume]:
    trial = found.trial
    made: dict[str, FixedVolume] = {
        name: fixed_volume(trial.customer, scores, trial.arm, trial.probability, trial.reward)
        for name, scores in found.scores.items()
    }
    ours = made[UNGATED]
    return {
        name: AtVolume(
            each.relative(n_draws=DRAWS, seed=seed),
            None if each is ours else ours.above(each, n_draws=DRAWS, seed=seed),
        )
        for name, each in made.items()
    }


def _uplifts(found: Scored, seed: int) -> list[Uplift]:
    trial = found.trial
    if not trial.arms[0].silent:
        return []
    made = []
    for a, arm in enumerate(trial.arms):
        rows = np.random.default_rng(seed).permutation(np.flatnonzero((trial.arm == a) | (trial.arm == 0)))
        score = found.said.bought[rows, a] - found.said.bought[rows, 0]
        drawn = curve(score, trial.arm[rows] == a, trial.bought[rows].astype(np.float64), trial.probability[rows])
        if arm.silent or drawn is None:
            continue
        again = np.array([_qini_again(trial, rows, score, a, seed + i) for i in range(QINI_DRAWS)])
        spread = 1.96 * float(again.std(ddof=1))
        made.append(Uplift(arm.name, drawn, Interval(drawn.qini, drawn.qini - spread, drawn.qini + spread), drawn.auuc))
    return made


def _qini_again(trial: Trial, rows: Index, score: Floats, a: int, seed: int) -> float:
    some = np.random.default_rng(seed).integers(0, len(rows), len(rows))
    at = rows[some]
    again = curve(score[some], trial.arm[at] == a, trial.bought[at].astype(np.float64), trial.probability[at])
    return 0.0 if again is None else again.qini


def _calibration(found: Scored, seed: int) -> Reliability:
    trial = found.trial
    said = found.said.bought[np.arange(len(trial)), trial.arm]
    return reliability(trial.bought, said, trial.stands_for, seed=seed)

"""How one part is fitted: trees and a linear model, blended and calibrated on customers not learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.errors import KairosError
from serving.booster import Booster
from serving.linear import Linear
from serving.part import Part, PartName
from training.boosting import fit_trees
from training.calibrate import evened, platt, shifts
from training.dataset import Dataset
from training.folds import by_customer
from training.inputs import columns
from training.popularity import popularity
from training.regression import fit_linear
from training.spent import Spent

Floats = NDArray[np.float64]
ROUNDS = (25, 50, 100, 200, 400)
SOFTNESS = (0.003, 0.01, 0.03, 0.1)
BLENDS = tuple(i / 10 for i in range(11))
FEWEST = 20
"""Rows of each outcome below which a part is not fitted at all."""


class TooFewError(KairosError):
    """Too few outcomes to learn a part from; the message says how many there are."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Threads and seed of a fit. Folds run side by side on one thread each; threads of one fit wait for each other."""

    threads: int
    seed: int
    spent: Spent = field(default_factory=Spent, compare=False)
    """Where the time of each stage is counted."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What predictions of held-out customers decided: rounds of the trees, ridge of the linear model, their blend."""

    rounds: int
    softness: float
    blend: float


@dataclass(frozen=True)
class Held:
    """Scores on the logit scale ``[n]`` of every row, each by a model that had not learnt from its customer."""

    of_trees: Mapping[int, Floats]
    """By rounds."""
    of_linear: Mapping[float, Floats]
    """By softness."""

    def blended(self, choice: Choice) -> Floats:
        """The scores of one choice, ``[n]``."""
        trees, linear = self.of_trees[choice.rounds], self.of_linear[choice.softness]
        return choice.blend * trees + (1.0 - choice.blend) * linear


def fit(name: PartName, rows: Dataset, resources: Resources, chosen: Choice | None = None) -> tuple[Part, Choice]:
    """A calibrated part. Rounds, ridge, blend and calibration come from held-out customers, the rest from all rows.

    Args:
        name: Which part.
        rows: What to learn from.
        resources: Threads and seed.
        chosen: A choice made before, to keep; then held-out customers serve for the calibration only.

    Raises TooFewError where an outcome has fewer than FEWEST rows, in all or outside one fold.
    """
    names = columns(name, rows.X)
    with resources.spent.on("fits without held-out customers"):
        held = _hold_out(names, rows, resources, chosen)
    with resources.spent.on("choice and calibration"):
        choice = chosen or _choose(held, rows)
        score = held.blended(choice)
        slope, intercept = platt(score, rows.taken, rows.weight)
        shift = shifts(slope * score + intercept, rows.taken, rows.weight, rows.keys())
    with resources.spent.on("fits to all customers"):
        trees = _trees(names, rows, choice.rounds, resources.seed) if choice.blend > 0 else None
        linear = _linear(names, rows, choice.softness) if choice.blend < 1 else None
    part = Part(
        names,
        trees,
        linear,
        choice.blend,
        slope,
        intercept,
        shift,
        popularity(rows.pairs(), rows.taken, rows.weight),
    )
    return part, choice


def own(names: Sequence[str], rows: Dataset) -> NDArray[np.float32]:
    """The named columns of the rows, ``[n, len(names)]``."""
    return Part(tuple(names), None, None, 0.0).columns(rows.X)


def _trees(names: Sequence[str], rows: Dataset, rounds: int, seed: int) -> Booster:
    return fit_trees(own(names, rows), rows.taken, rows.weight, names, rounds=rounds, seed=seed, threads=1)


def _linear(names: Sequence[str], rows: Dataset, softness: float) -> Linear:
    return fit_linear(own(names, rows), rows.taken, rows.weight, softness=softness)


def _hold_out(names: Sequence[str], rows: Dataset, resources: Resources, chosen: Choice | None) -> Held:
    outs = by_customer(rows.customers)
    rounds = (chosen.rounds,) if chosen else ROUNDS
    softness = (chosen.softness,) if chosen else SOFTNESS
    for out in outs:
        _refuse_few(rows, ~out)
    with ThreadPoolExecutor(resources.threads) as pool:
        trees = list(pool.map(lambda out: _held_trees(names, rows, out, rounds, resources.seed), outs))
        linear = list(pool.map(lambda out: _held_linear(names, rows, out, softness), outs))
    return Held(
        {r: _together(outs, [fold[i] for fold in trees]) for i, r in enumerate(rounds)},
        {s: _together(outs, [fold[i] for fold in linear]) for i, s in enumerate(softness)},
    )


def _refuse_few(rows: Dataset, learnt: NDArray[np.bool_]) -> None:
    n, taken = int(learnt.sum()), int(rows.taken[learnt].sum())
    if min(taken, n - taken) < FEWEST:
        raise TooFewError(f"{n:,} rows to learn from, {taken:,} taken: at least {FEWEST} of each outcome are needed")


def _held_trees(
    names: Sequence[str], rows: Dataset, out: NDArray[np.bool_], rounds: Sequence[int], seed: int
) -> list[Floats]:
    trees, held = _trees(names, rows.where(~out), max(rounds), seed), own(names, rows.where(out))
    return [trees.raw_after(r, held) for r in rounds]


def _held_linear(
    names: Sequence[str], rows: Dataset, out: NDArray[np.bool_], softness: Sequence[float]
) -> list[Floats]:
    learnt, held = rows.where(~out), own(names, rows.where(out))
    return [_linear(names, learnt, s).raw(held) for s in softness]


def _together(outs: Sequence[NDArray[np.bool_]], folds: Sequence[Floats]) -> Floats:
    score = np.empty(len(outs[0]))
    for out, held in zip(outs, folds, strict=True):
        score[out] = held
    return score


def _choose(held: Held, rows: Dataset) -> Choice:
    rounds = min(held.of_trees, key=lambda r: float(_loss(held.of_trees[r], rows).sum()))
    softness = min(held.of_linear, key=lambda s: float(_loss(held.of_linear[s], rows).sum()))
    losses = {b: _loss(held.blended(Choice(rounds, softness, b)), rows) for b in BLENDS}
    return Choice(rounds, softness, _most_even(losses))


def _most_even(losses: Mapping[float, Floats]) -> float:
    """The weight of the trees: the most even one that cannot be told from the best (one standard error).

    Near the best the loss is flat and the best itself a matter of luck; an even mean of two models errs less.
    """
    least = min(losses, key=lambda b: float(losses[b].sum()))
    worse = {b: loss - losses[least] for b, loss in losses.items()}
    alike = [b for b in losses if worse[b].sum() <= np.sqrt(np.square(worse[b]).sum())]
    return min(alike, key=lambda b: (abs(b - 0.5), abs(b - least)))


def _loss(score: Floats, rows: Dataset) -> Floats:
    """Log-loss of every row after Platt's calibration, weighted, ``[n]``."""
    slope, intercept = platt(score, rows.taken, rows.weight)
    logit = slope * score + intercept
    return evened(rows.weight) * (np.logaddexp(0.0, logit) - rows.taken * logit)

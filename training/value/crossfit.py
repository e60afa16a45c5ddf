"""Every customer scored by what was learnt from others, twice nested: what is judged decided nothing, nor did its like.

For a fold i the model learns from all other folds, and everything that is chosen (blend, calibration, whether to be
personal at all) rests on scores of the other folds by models that saw neither them nor fold i. A model that left out i
and j serves both ways, so k folds need k + k(k − 1)/2 models.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from training.fit import Resources
from training.value.part import Scores
from training.value.parts import Choices, Fixed, Learnt, Name, Said, choose_parts, learn, say
from training.value.trial import Index, Mask, Trial

FOLDS = 4


def folds_of(trial: Trial, seed: int, folds: int = FOLDS) -> Index:
    """The fold of every row, ``[n]``: all rows of a customer in one."""
    _, code = np.unique(trial.customer, return_inverse=True)
    lot = np.random.default_rng(seed).permutation(int(code.max()) + 1 if len(code) else 0) % folds
    found: Index = lot[code]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One fold: what is said of its rows, and of all others by models that saw neither."""

    held: Mask
    """Its rows, ``[n]``."""
    said: Said
    """Of its rows."""
    inner: Said
    """Of the other rows, in their order."""


def crossfit(trial: Trial, fold: Index, resources: Resources) -> Iterator[Fold]:
    """The folds one after the other; fits all models first."""
    folds = range(int(fold.max()) + 1)
    fixed = Fixed.of(trial)
    left_out = [{i} for i in folds] + [set(pair) for pair in itertools.combinations(folds, 2)]
    models = side_by_side(trial, fold, left_out, fixed, resources)
    without = {frozenset(each): model for each, model in zip(left_out, models, strict=True)}
    for i in folds:
        rest, of_rest = trial.where(fold != i), fold[fold != i]
        of_pairs = {j: without[frozenset({i, j})] for j in folds if j != i}
        own = fixed.seen_in(rest)
        choices = chosen(rest, of_rest, of_pairs)
        said = say(without[frozenset({i})], choices, own, trial.X[fold == i])
        yield Fold(fold == i, said, held_out(rest, of_rest, of_pairs, choices, own))


def side_by_side(
    trial: Trial, fold: Index, left_out: Sequence[Collection[int]], fixed: Fixed, resources: Resources
) -> list[Learnt]:
    """A model for each set of folds that is left out."""

    def without(folds: Collection[int]) -> Learnt:
        return learn(trial.where(~np.isin(fold, list(folds))), fixed, resources.seed)

    with (
        ThreadPoolExecutor(resources.threads) as pool,
        tqdm(total=len(left_out), desc="value", unit="fit", disable=None) as bar,
    ):
        found = []
        for model in pool.map(without, left_out):
            found.append(model)
            bar.update()
        return found


def chosen(trial: Trial, fold: Index, models: Mapping[int, Learnt]) -> Choices:
    """What the rows decide, each scored by the model that left its fold out."""
    order = np.concatenate([np.flatnonzero(fold == j) for j in models])
    parts = [model.candidates(trial.where(fold == j)) for j, model in models.items()]
    together: dict[Name, Scores] = {name: Scores.together([part[name] for part in parts]) for name in parts[0]}
    return choose_parts(together, trial.at(order))


def held_out(trial: Trial, fold: Index, models: Mapping[int, Learnt], choices: Choices, fixed: Fixed) -> Said:
    """What is said of every row by the model that left its fold out."""
    order = np.argsort(np.concatenate([np.flatnonzero(fold == j) for j in models]), kind="stable")
    parts = [say(model, choices, fixed, trial.X[fold == j]) for j, model in models.items()]
    return Said.together(parts).at(order)

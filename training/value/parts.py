"""The parts of the value of every arm: whether anything is bought, for how much, and whether an incentive is paid.

    value(x, a) = P(bought | x, a) · E[amount | bought, x, a] − P(paid | x, a) · E[incentive | paid, a] − cost(a)

What an arm adds is its value less that of nothing: the same for all arms, so rankings need no difference. A part that
follows from another (an incentive paid with every purchase, an amount that never differs) is not learnt twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

from training.value.part import Choice, Halves, Scores, Shape, choose, constant_amounts, fit_halves
from training.value.trial import Floats, Index, Mask, Matrix, Trial


class Name(StrEnum):
    """The parts."""

    BOUGHT = "bought"
    AMOUNT = "amount"
    PAID = "paid"


SHAPES = {Name.BOUGHT: Shape.PROBABILITY, Name.AMOUNT: Shape.AMOUNT, Name.PAID: Shape.PROBABILITY}
Choices = Mapping[Name, Choice]


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """What is not learnt from customers: facts of each arm in these rows, each ``[arms]``."""

    amount: Floats | None
    """Of a purchase where it never differs within an arm; None where it must be learnt."""
    incentive: Floats
    """Mean incentive where one is paid."""
    with_purchase: bool
    """An incentive is paid exactly where something was bought with an arm that has one."""
    cost: Floats

    @staticmethod
    def of(trial: Trial) -> Fixed:
        """The facts of these rows."""
        arms, paid = len(trial.arms), trial.given > 0
        count = np.bincount(trial.arm[paid], minlength=arms)
        total = np.bincount(trial.arm[paid], trial.given[paid], arms)
        incentive = np.divide(total, count, out=np.zeros(arms), where=count > 0)
        same = bool((paid == (trial.bought & (incentive[trial.arm] > 0))).all())
        amount = constant_amounts(trial.arm, arms, trial.gross, trial.bought)
        return Fixed(amount, incentive, same, np.array([arm.cost for arm in trial.arms]))

    def seen_in(self, trial: Trial) -> Fixed:
        """The same structure with the mean incentives of other rows."""
        return replace(self, incentive=Fixed.of(trial).incentive)

    @property
    def learnt(self) -> tuple[Name, ...]:
        """The parts that must be learnt."""
        amount = () if self.amount is not None else (Name.AMOUNT,)
        return (Name.BOUGHT, *amount, *(() if self.with_purchase else (Name.PAID,)))


def rows_of(name: Name, trial: Trial) -> Mask:
    """The rows that a part learns from."""
    return trial.bought if name is Name.AMOUNT else np.ones(len(trial), dtype=np.bool_)


def outcome(name: Name, trial: Trial) -> Floats:
    """What a part predicts, ``[n]``."""
    if name is Name.AMOUNT:
        return trial.gross
    return (trial.bought if name is Name.BOUGHT else trial.given > 0).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """Both halves of every part, fitted to one set of rows."""

    halves: Mapping[Name, Halves]

    def candidates(self, trial: Trial) -> dict[Name, Scores]:
        """What all candidates say of rows that were held out, part by part, for the rows that concern it."""
        found = {}
        for name, half in self.halves.items():
            rows = rows_of(name, trial)
            found[name] = half.candidates(trial.X[rows], trial.arm[rows])
        return found


def learn(trial: Trial, fixed: Fixed, seed: int) -> Learnt:
    """Fit every part that must be learnt."""
    halves = {}
    for name in fixed.learnt:
        rows = rows_of(name, trial)
        halves[name] = fit_halves(
            SHAPES[name],
            trial.X[rows],
            trial.arm[rows],
            trial.arms,
            outcome(name, trial)[rows],
            trial.stands_for[rows],
            seed,
        )
    return Learnt(halves)


def choose_parts(held_out: Mapping[Name, Scores], trial: Trial) -> Choices:
    """The choices that the held-out scores of all rows of the trial, in their order, decide."""
    found = {}
    for name, scores in held_out.items():
        rows = rows_of(name, trial)
        found[name] = choose(
            SHAPES[name],
            scores,
            trial.arm[rows],
            trial.arms,
            outcome(name, trial)[rows],
            trial.stands_for[rows],
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What is predicted for customers and every arm, each ``[m, arms]``."""

    bought: Floats
    amount: Floats
    paid: Floats
    """Probability that an incentive is paid."""
    value: Floats
    """Expected reward, minor units."""

    @staticmethod
    def together(parts: list[Said]) -> Said:
        """All rows, in the order of the parts."""
        return Said(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Said)))

    def at(self, rows: Index) -> Said:
        """The rows at these places."""
        return Said(*(getattr(self, f.name)[rows] for f in fields(Said)))


def say(learnt: Learnt, choices: Choices, fixed: Fixed, X: Matrix) -> Said:
    """The parts and the value of every arm for these customers."""
    found = {name: half.predict(X, choices[name]) for name, half in learnt.halves.items()}
    bought = found[Name.BOUGHT]
    amount = found[Name.AMOUNT] if fixed.amount is None else np.broadcast_to(fixed.amount, bought.shape)
    paid = bought * (fixed.incentive > 0) if fixed.with_purchase else found[Name.PAID]
    return Said(bought, amount, paid, bought * amount - paid * fixed.incentive - fixed.cost)

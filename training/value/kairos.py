"""Kairos' learner of value: the parts of every arm's value, linear and trees, chosen by customers not learnt from."""

from __future__ import annotations

from dataclasses import dataclass

from training.fit import Resources
from training.value.crossfit import chosen, folds_of, held_out, side_by_side
from training.value.parts import Choices, Fixed, Learnt, Said, say
from training.value.trial import Floats, Matrix, Scores, Trial


@dataclass(frozen=True, slots=True, eq=False)
class Kairos:
    """Fitted to one log: what is said of anybody, and of the log's own customers by models that had not seen them."""

    learnt: Learnt
    choices: Choices
    fixed: Fixed
    held_out: Said
    """Of every row of the log."""

    def say(self, X: Matrix) -> Said:
        """The parts and the value of every arm for customers, ``[m, columns]``."""
        return say(self.learnt, self.choices, self.fixed, X)

    def scores(self, X: Matrix) -> Floats:
        """The expected reward of every arm, minor units ``[m, arms]``; only differences between arms matter."""
        return self.say(X).value


def fit(trial: Trial, resources: Resources) -> Kairos:
    """Learn the value of every arm. Rounds, ridge, blend and calibration rest on held-out customers."""
    fold, fixed = folds_of(trial, resources.seed), Fixed.of(trial)
    left_out: list[list[int]] = [[i] for i in range(int(fold.max()) + 1)]
    *models, of_all = side_by_side(trial, fold, [*left_out, []], fixed, resources)
    by_fold = dict(enumerate(models))
    choices = chosen(trial, fold, by_fold)
    return Kairos(of_all, choices, fixed, held_out(trial, fold, by_fold, choices, fixed))


def kairos(trial: Trial) -> Scores:
    """The learner, as :data:`training.value.trial.Learner` wants it."""
    return fit(trial, Resources(threads=1, seed=7)).scores

"""The policies that are judged: what each would do with every customer of the log, by models that had not seen them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.fit import Resources
from training.ope.log import Log, Modelled
from training.policy_value.harm import Harm, best_open, harmless
from training.policy_value.rivals import response_times_value, t_learner
from training.value.crossfit import crossfit, folds_of
from training.value.parts import Said
from training.value.trial import NONE, Floats, Index, Mask, Trial

RANDOM, CONSTANT, RESPONSE, REDEMPTION = "random, as logged", "best constant", "response ranking", "redemption ranking"
EXPECTED, T_LEARNER, UNGATED = "response × value", "T-learner × value", "Kairos, ungated"
KAIROS, SERVED = "Kairos", "Kairos as served"
EXPLORED = 0.02
"""Probability that is spread evenly over all open arms of what is served, so that the next log can be learnt from."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A log with everything that was said of it, each row by models that had not seen its customer."""

    trial: Trial
    said: Said
    scores: Mapping[str, Floats]
    """What each learner ranks by, ``[n, arms]``: the same at fixed volume."""
    choices: Mapping[str, Index]
    """The arm that each policy gives, ``[n]``."""
    harms: tuple[Harm, ...]
    """The gate of every fold, on the other folds."""
    harm: Harm
    """The gate on all rows: it decides what is served from now on."""


def score(trial: Trial, resources: Resources) -> Scored:
    """Cross-fit every learner and let every policy choose."""
    fold, n, arms = folds_of(trial, resources.seed), len(trial), len(trial.arms)
    names = (RESPONSE, REDEMPTION, EXPECTED, T_LEARNER, UNGATED)
    scores = {name: np.zeros((n, arms)) for name in names}
    choices = {name: np.zeros(n, dtype=np.intp) for name in (CONSTANT, *names, KAIROS)}
    said, harms = [np.zeros((n, arms)) for _ in range(4)], []
    contacts = np.array([not arm.silent for arm in trial.arms])
    for each in crossfit(trial, fold, resources):
        rest, held = trial.where(~each.held), trial.where(each.held)
        harm = harmless(rest, each.inner.value)
        harms.append(harm)
        own = each.said
        found = {
            RESPONSE: own.bought,
            REDEMPTION: own.paid,
            EXPECTED: response_times_value(rest, own),
            T_LEARNER: t_learner(rest, held.X, resources.seed),
            UNGATED: own.value,
        }
        for name, values in found.items():
            scores[name][each.held] = values
            always = name in (RESPONSE, REDEMPTION, EXPECTED)
            choices[name][each.held] = best_open(np.where(contacts | (not always), values, -1e300), held)
        constant = harm.constant(held.open)
        choices[CONSTANT][each.held] = constant
        choices[KAIROS][each.held] = choices[UNGATED][each.held] if harm.personal else constant
        for whole, part in zip(said, (own.bought, own.amount, own.paid, own.value), strict=True):
            whole[each.held] = part
    if trial.arms[0].silent:
        choices = {NONE: np.zeros(n, dtype=np.intp), **choices}
    if not (trial.given > 0).any() or np.array_equal(choices[RESPONSE], choices[REDEMPTION]):
        del scores[REDEMPTION], choices[REDEMPTION]
    everything = Said(*said)
    return Scored(trial, everything, scores, choices, tuple(harms), harmless(trial, everything.value))


def spread(choice: Index, opened: Mask) -> Floats:
    """What is served: mostly the choice, EXPLORED evenly over all open arms; ``[n, arms]``, rows sum to 1."""
    served = EXPLORED * opened / opened.sum(axis=1, keepdims=True)
    served[np.arange(len(choice)), choice] += 1.0 - EXPLORED
    return np.asarray(served, dtype=np.float64)


def logs(found: Scored) -> dict[str, Log]:
    """Every policy as a log that estimators read, the random one first; the rows' own arms are the log."""
    trial, value = found.trial, found.said.value
    rows, own = np.arange(len(trial)), found.said.value[np.arange(len(trial)), found.trial.arm]

    def log(target: Floats, modelled: Floats) -> Log:
        seen = Modelled(own, modelled)
        return Log(trial.customer, trial.reward, trial.probability, target, trial.bought, trial.stands_for, seen)

    made = {RANDOM: log(trial.probability, own)}
    for name, choice in found.choices.items():
        made[name] = log((choice == trial.arm).astype(np.float64), value[rows, choice])
    served = spread(found.choices[KAIROS], trial.open)
    made[SERVED] = log(served[rows, trial.arm], (served * value).sum(axis=1))
    return made

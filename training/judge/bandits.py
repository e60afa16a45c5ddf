"""Bandits of well-known libraries on the same log: LinUCB by MABWiser, and Vowpal Wabbit's ``cb_explore_adf``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import vowpalwabbit
from mabwiser.mab import MAB, LearningPolicy

from serving.columns import PLACES
from training.judge.ground import SILENCE, Occasions
from training.labels import EXPANDED
from training.parts.experience import Contacts, Experience
from training.value.hierarchy import Frame
from training.value.trial import Floats, Matrix

Score = Callable[[Occasions], Floats]
PERSON = (
    "profile_age_years",
    "profile_income_minor",
    "profile_female",
    "profile_household_size",
    "profile_home_owner",
    "customer_contacts_7d",
    "customer_notice_rate",
    "customer_purchases_120d",
    "customer_interest_7d",
    "moment_hour",
    "moment_weekday",
)
SCALE = 1_000.0
"""Minor units that count as a reward of 1."""
BESIDE = 4
"""Other actions that Vowpal Wabbit is shown beside the logged one: its regression learns from the logged one only."""


def linucb(_known: Experience, done: Contacts, reward: Floats) -> Score:
    """One ridge regression for every pair on the customer's columns; at the end the most it may be worth."""
    frame = Frame.of(_person(done.X))
    arms = np.char.add(np.char.add(done.offer.astype(np.str_), "|"), done.channel.astype(np.str_))
    names = sorted(set(arms.tolist()))
    bandit = MAB(names, LearningPolicy.LinUCB(alpha=0.1, l2_lambda=10.0))
    bandit.fit(arms.tolist(), (reward / SCALE).tolist(), _context(frame, _person(done.X)))

    def score(asked: Occasions) -> Floats:
        first = _person(asked.X[:: len(asked.offer)])
        said: Any = bandit.predict_expectations(_context(frame, first))
        said = said if isinstance(said, list) else [said]
        pairs = [f"{o}|{c}" for o, c in zip(asked.offer.tolist(), asked.channel.tolist(), strict=True)]
        return np.array([[row.get(pair, -1.0) for pair in pairs] for row in said])

    return score


def vowpal_wabbit(known: Experience, done: Contacts, reward: Floats) -> Score:
    """Its contextual bandit with action-dependent features, multi-task regression, customer × action crossed."""
    words = "--cb_explore_adf --cb_type mtr --epsilon 0.05 -q SA --quiet --random_seed 7"
    vw, rng = vowpalwabbit.Workspace(words), np.random.default_rng(7)
    frame = Frame.of(_person(done.X))
    shared, actions = _shared(frame, _person(done.X)), _actions(known)
    every = list(actions)
    silent = _shared(frame, _person(known.quiet.X[np.flatnonzero(known.quiet.silent)[::EXPANDED]]))
    order = np.random.default_rng(7).permutation(len(done) + len(silent))
    for i in order.tolist():
        if i >= len(done):
            lines = [silent[i - len(done)], f"0:0:{SILENCE} {SILENT}"]
            lines += [actions[every[j]] for j in rng.integers(0, len(every), BESIDE)]
            vw.learn(vw.parse("\n".join(lines), vowpalwabbit.LabelType.CONTEXTUAL_BANDIT))
            continue
        own = (int(done.offer[i]), int(done.channel[i]))
        lines = [shared[i], f"0:{-reward[i] / SCALE:.5f}:{done.probability[i]:.6f} {actions[own]}", SILENT]
        lines += [actions[every[j]] for j in rng.integers(0, len(every), BESIDE)]
        vw.learn(vw.parse("\n".join(lines), vowpalwabbit.LabelType.CONTEXTUAL_BANDIT))

    def score(asked: Occasions) -> Floats:
        told = _shared(frame, _person(asked.X[:: len(asked.offer)]))
        lines = [actions.get((o, c), "") for o, c in zip(asked.offer.tolist(), asked.channel.tolist(), strict=True)]
        found = np.zeros(asked.allowed.shape)
        for i, line in enumerate(told):
            open_pairs = np.flatnonzero(asked.allowed[i])
            example = "\n".join([line, SILENT, *(lines[j] for j in open_pairs)])
            said = np.array(vw.predict(example))
            # Probabilities of actions; silence is the first, and to be chosen a pair must be likelier.
            found[i, open_pairs] = said[1:] - said[0]
        return found

    return score


SILENT = "|A silence"


def _actions(known: Experience) -> dict[tuple[int, int], str]:
    offers, channels = known.catalogue.offers, known.catalogue.channels
    return {
        (o, c): f"|A offer{o} channel{c} pair{o}x{c} category{offer.category} "
        f"margin:{offer.margin_minor / SCALE:.3f} incentive:{offer.incentive_minor / SCALE:.3f}"
        for o, offer in enumerate(offers)
        for c in range(len(channels))
        if channels[c].name in offer.channels
    }


def _shared(frame: Frame, X: Matrix) -> list[str]:
    z = frame.standardised(X)
    return ["shared |S " + " ".join(f"f{j}:{value:.3f}" for j, value in enumerate(row)) for row in z.tolist()]


def _person(X: Matrix) -> Matrix:
    return X[:, [PLACES[name] for name in PERSON]]


def _context(frame: Frame, X: Matrix) -> Floats:
    return np.column_stack([np.ones(len(X)), frame.standardised(X)])

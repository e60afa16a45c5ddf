"""Conditions written by people: those of offers, and those of the policy."""

from __future__ import annotations

import numpy as np

from serving.eligibility.objection import Objection, about
from serving.eligibility.shelf import Condition, Flags, Shelf
from serving.eligibility.situation import Situation
from serving.facts import of_pairs


def offer_rule(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs of offers whose own condition does not hold."""
    return _unmet(shelf, situation, shelf.rules)


def requirement(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs that a condition of the policy is about and does not hold for."""
    return _unmet(shelf, situation, shelf.requirements)


def _unmet(shelf: Shelf, situation: Situation, conditions: tuple[Condition, ...]) -> Objection | None:
    if not conditions:
        return None
    unmet: list[tuple[Condition, Flags]] = []
    for condition in conditions:
        holds = condition.predicate.holds(situation.facts.read)
        if holds is not True:
            unmet.append((condition, condition.about & ~np.asarray(holds)))
    if not unmet:
        return None

    def why(place: int) -> str:
        condition = next(condition for condition, pairs in unmet if pairs[place])
        return f"{condition.name} [{_values(shelf, situation, condition, place)}]"

    return about(np.logical_or.reduce([pairs for _, pairs in unmet]), why)


def _values(shelf: Shelf, situation: Situation, condition: Condition, place: int) -> str:
    """What the names in the condition stood for."""
    settled = of_pairs([shelf.pairs[place]])
    found = []
    for name in condition.predicate.names:
        value = settled[name] if name in settled else situation.facts.read(name)
        one = value if np.ndim(value) == 0 else value[0 if name in settled else place]
        known = one is not None and one == one
        found.append(f"{name} = {f'{one:g}' if isinstance(one, float) else one}" if known else f"{name} is unknown")
    return ", ".join(found)

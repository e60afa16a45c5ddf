"""What marketers and scarcity make of a value: money and weights of the policy's levers, prices of what is scarce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.state import Floats
from serving.facts import CONTEXT, CONTEXT_NAMES
from serving.ledger.shared import stock_key, window_key
from serving.pairs import Pair
from serving.policy.policy import Lever, Policy
from serving.policy.window import Window
from serving.predicate import Predicate, compile
from serving.worth import Terms

Places = NDArray[np.intp]
Prices = Mapping[str, float]
"""What one unit of a stock, capacity or budget is worth to others, by its key; minor units."""
_FREE: Prices = {}


@dataclass(frozen=True, slots=True)
class _Pull:
    """One lever over all pairs."""

    money: Floats
    """``[n_pairs]``; 0 where it is about others."""
    weight: Floats
    """``[n_pairs]``; 1 where it is about others."""
    when: Predicate | None


@dataclass(frozen=True, slots=True)
class _Resource:
    """One stock, capacity or budget over all pairs."""

    noun: str
    name: str
    window: Window | None
    amount: Floats
    """What granting each pair takes of it, ``[n_pairs]``."""

    def key(self, moment: Instant) -> str:
        """Its key in the stretch of the calendar that holds the moment."""
        return self.name if self.noun == "stock" else window_key(self.noun, self.name, self.window, moment)


class Leverage:
    """A policy's levers and scarce resources, laid out over pairs."""

    def __init__(self, policy: Policy, pairs: Sequence[Pair]) -> None:
        self._n_pairs = len(pairs)
        self._pulls = tuple(_pull(lever, pairs) for lever in policy.levers)
        self._resources = tuple(_resources(policy, pairs))

    def terms(
        self, rows: Places, moments: NDArray[np.int64], context: Mapping[str, object], prices: Prices = _FREE
    ) -> Terms:
        """What becomes of the values of the pairs in these rows, ``[n_rows]`` each.

        Args:
            rows: Places of the pairs.
            moments: When each would go out, microseconds UTC ``[n_rows]``.
            context: What conditions read.
            prices: Of what is scarce.
        """
        if not self._pulls and not prices:
            return _untouched(len(rows))
        found = Terms.none(len(rows))
        for pull in self._pulls:
            if pull.when is None or pull.when.holds(lambda name: context.get(name.removeprefix(CONTEXT))):
                found.lever[:] += pull.money[rows]
                found.weight[:] *= pull.weight[rows]
        if prices:
            for resource in self._resources:
                for moment in np.unique(moments).tolist():
                    price = prices.get(resource.key(Instant(moment)), 0.0)
                    found.scarcity[:] -= price * np.where(moments == moment, resource.amount[rows], 0.0)
        return found


@lru_cache(maxsize=64)
def _untouched(n_pairs: int) -> Terms:
    """The values as they are; nobody writes into it."""
    found = replace(Terms.none(n_pairs), plain=True)
    for each in (found.weight, found.lever, found.scarcity):
        each.setflags(write=False)
    return found


def _pull(lever: Lever, pairs: Sequence[Pair]) -> _Pull:
    selected = np.array([lever.about.selects(pair) for pair in pairs], dtype=np.bool_)
    when = compile(lever.when, CONTEXT_NAMES) if lever.when else None
    return _Pull(np.where(selected, lever.money_minor, 0.0), np.where(selected, lever.weight, 1.0), when)


def _resources(policy: Policy, pairs: Sequence[Pair]) -> list[_Resource]:
    limited = dict.fromkeys(pair.offer.offer_id for pair in pairs if pair.offer.stock is not None)
    spend = np.array([pair.offer.incentive_minor + pair.channel.cost_minor for pair in pairs], dtype=np.float64)
    return [
        *(
            _Resource("stock", stock_key(offer_id), None, _one([pair.offer.offer_id == offer_id for pair in pairs]))
            for offer_id in limited
        ),
        *(
            _Resource("capacity", c.name, c.window, _one([pair.channel.name == c.channel for pair in pairs]))
            for c in policy.capacities
        ),
        *(
            _Resource("budget", b.name, b.window, spend * _one([b.about.selects(pair) for pair in pairs]))
            for b in policy.budgets
        ),
    ]


def _one(flags: list[bool]) -> Floats:
    return np.array(flags, dtype=np.float64)

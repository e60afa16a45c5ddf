"""Expected incremental value of offering a pair, in minor units of money, with every component. Silence is worth 0.

With v the probability that the contact is noticed, q that the customer buys once noticed, p₀ that they buy without the
contact, and s that the incentive is used::

    EIV = v·((q − p₀)·margin − s·incentive) − (1 − v)·p₀·incentive [automatic offers only] − cost − attention

The best of many estimates promises too much: what was learnt of how much of it comes about (a share, 1 where nothing
was) is multiplied to all but cost and attention.
An offer that must be redeemed is used with the probability r of redeeming it, and redeeming is assumed independent of
buying anyway: s = r and q = p₀ + (1 − p₀)·r. For any other offer s = q. Where the data cannot tell what was noticed,
v = 1: q is then learnt over all contacts. An offer enclosed in the mailing of another one (a coupon in its booklet) is
no further contact: it costs neither money nor attention, both were spent on the mailing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from features.quick import quick
from features.state import Floats
from serving import loops
from serving.money import Money
from serving.pairs import Pair
from serving.prediction import pair_key
from serving.score import Chances

TOTAL = 5
"""The row of the total in the table of a value."""


@quick(frozen=True, slots=True)
class Value:
    """Components of the value of each pair, minor units ``[n_pairs]``; costs are negative."""

    table: Floats
    """``[6, n_pairs]``: the components in the order below, and the total."""

    @staticmethod
    def of(components: Sequence[Floats]) -> Value:
        """That of components ``[5, n_pairs]``."""
        margin, incentive, unnoticed, cost, attention = components
        return Value(np.array([*components, margin + incentive + unnoticed + cost + attention]))

    @property
    def margin(self) -> Floats:
        """Of what is bought beyond what would have been bought anyway."""
        return _row(self.table, 0)

    @property
    def incentive(self) -> Floats:
        """Paid to those who noticed."""
        return _row(self.table, 1)

    @property
    def unnoticed_incentive(self) -> Floats:
        """Paid without being noticed."""
        return _row(self.table, 2)

    @property
    def contact_cost(self) -> Floats:
        """Of the message."""
        return _row(self.table, 3)

    @property
    def attention(self) -> Floats:
        """Of using up patience."""
        return _row(self.table, 4)

    @property
    def total(self) -> Floats:
        """The expected value beyond that of silence."""
        return _row(self.table, TOTAL)

    def realised(self, share: float) -> Value:
        """The same with so much (0–1) of what is promised; costs are certain."""
        if share == 1.0:
            return self
        promised = (share * each for each in (self.margin, self.incentive, self.unnoticed_incentive))
        return Value.of((*promised, self.contact_cost, self.attention))


def _row(table: Floats, number: int) -> Floats:
    row: Floats = table[number]
    return row


@quick(frozen=True, slots=True)
class Terms:
    """What the policy makes of each pair's value, ``[n_pairs]``; amounts in minor units."""

    weight: Floats
    """Factor on the positive part of the value."""
    lever: Floats
    scarcity: Floats
    """Price of the slots, stock and budget that it takes; negative or 0."""
    plain: bool = False
    """True where the value is left as it is."""

    @staticmethod
    def none(n_pairs: int) -> Terms:
        """The value as it is."""
        return Terms(np.ones(n_pairs), np.zeros(n_pairs), np.zeros(n_pairs))

    def score(self, value: Floats) -> Floats:
        """What pairs of these values are ranked by."""
        if self.plain:
            return value
        return value + (self.weight - 1.0) * np.maximum(value, 0.0) + self.lever + self.scarcity


def value(odds: Chances, pairs: Sequence[Pair], attention_minor: float) -> Value:
    """As ``value_of``, from the pairs themselves."""
    return value_of(odds, Money.of(pairs), attention_minor)


def measured(worth: Mapping[str, float], pairs: Sequence[Pair], money: Money, attention_minor: float) -> Value:
    """The components where each pair is worth what it earned in the log, its costs taken off: the rest is margin.

    What was not logged is worth less than anything that was.
    """
    least = min(worth.values(), default=0.0) - 1.0
    keys = (pair_key(pair.offer.offer_id, pair.channel.name) for pair in pairs)
    values, nothing = np.array([worth.get(key, least) for key in keys]), np.zeros(len(pairs))
    _, _, _, cost, charged = money.table
    return Value.of((values + cost, nothing, nothing, -cost, -attention_minor * charged))


def value_of(odds: Chances, money: Money, attention_minor: float, share: float = 1.0) -> Value:
    """The components of each pair's value, with so much (0–1) of what is promised.

    ``attention_minor``, the price of a mean contact, is charged on outbound channels only, on each its share: elsewhere
    nobody is interrupted.
    """
    n_pairs = len(odds.bought)
    noticed = odds.noticed if odds.noticed is not None else _same(1.0, n_pairs)
    organic = odds.organic if odds.organic is not None else _same(0.0, n_pairs)
    out = np.empty((6, n_pairs))
    loops.value(noticed, odds.bought, odds.used, organic, money.table, float(attention_minor), float(share), out)
    return Value(out)


@lru_cache(maxsize=64)
def _same(value: float, n_pairs: int) -> Floats:
    """The same for every pair; nobody writes into it."""
    return np.full(n_pairs, value)

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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.domain import Direction, Response
from features.quick import quick
from features.state import Floats
from serving import loops
from serving.model import PartName, about_of
from serving.pairs import Pair
from serving.prediction import pair_key
from serving.typical import OfferPair, Typical


class Part(Protocol):
    """One calibrated probability."""

    @property
    def typical(self) -> Typical:
        """The same for somebody of whom nothing is known."""
        ...

    def probability(self, X: NDArray[np.float32], pairs: Sequence[OfferPair]) -> Floats:
        """Probabilities ``[n]`` of whole vectors, float32 ``[n, n_features]``."""
        ...


class Model(Protocol):
    """The parts that one training run brought forth, by part and kind of offer."""

    @property
    def version(self) -> str:
        """The version under which the model was registered."""
        ...

    def part(self, name: PartName, kind: str) -> Part | None:
        """The part for a kind of offer; None where the model has none."""
        ...


@dataclass(frozen=True, slots=True)
class Attention:
    """The price of using up patience, minor units."""

    contact: float
    """Price of one contact."""
    slope: float
    """What each contact of the last days adds (all channels, half-life a week)."""
    channels: tuple[tuple[str, float], ...] = ()
    """Channels and the share of that price that a contact there takes: 1 of what the mean contact does."""

    def share(self, channel: str) -> float:
        """That of this channel; 1 where none is told."""
        return next((share for name, share in self.channels if name == channel), 1.0)

    def price(self, contacts_7d: float) -> float:
        """The price of one more mean contact with a customer of so many contacts lately (half-life a week)."""
        return float(self.contact + self.slope * contacts_7d)


ASSUMED = Attention(1.0, 0.1)
"""Where nothing was learnt and nothing is set."""


@quick(frozen=True, slots=True)
class Chances:
    """Probabilities of each pair, ``[n_pairs]``."""

    noticed: Floats | None
    """v; None where the data cannot tell."""
    bought: Floats
    """q: what the offer is for is bought, once noticed."""
    used: Floats
    """s: the offer is taken and its incentive used, once noticed."""
    organic: Floats | None
    """p₀; None where nothing is known of it, which counts as 0."""


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
        return _row(self.table, 5)

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


def chances(
    model: Model, kind: str, pairs: Sequence[Pair], seen: NDArray[np.float32], stranger: bool
) -> Chances | None:
    """What the model says of pairs of one kind; None where it has no offer response for this kind.

    Args:
        model: The model.
        kind: The kind of all pairs.
        pairs: The pairs.
        seen: Their vectors, float32 ``[n_pairs, n_features]``.
        stranger: Nothing is known of the customer, so the typical rates hold whatever the vectors say.
    """

    def probability(name: PartName) -> Floats | None:
        part = model.part(name, kind)
        if part is None:
            return None
        about = about_of(name, pairs)
        return part.typical.probability(about) if stranger else part.probability(seen, about)

    return chances_of(probability, redeemed(pairs))


def chances_of(probability: Callable[[PartName], Floats | None], redeemed: NDArray[np.bool_] | None) -> Chances | None:
    """What parts of a model say of pairs; None where none speaks of the offer response or of persuasion.

    Args:
        probability: What a part says, ``[n_pairs]``; None where there is no such part.
        redeemed: True for offers that must be redeemed, ``[n_pairs]``; None where none must be.
    """
    organic, persuaded = probability(PartName.ORGANIC), probability(PartName.PERSUASION)
    if organic is not None and persuaded is not None:
        bought = organic + (1.0 - organic) * persuaded
        return Chances(probability(PartName.CHANNEL_RESPONSE), bought, bought, organic)
    taken = probability(PartName.OFFER_RESPONSE)
    if taken is None:
        return None
    bought = taken
    if redeemed is not None:
        anyway = organic if organic is not None else np.zeros(len(taken))
        bought = np.where(redeemed, anyway + (1.0 - anyway) * taken, taken)
    return Chances(probability(PartName.CHANNEL_RESPONSE), bought, taken, organic)


def redeemed(pairs: Sequence[Pair]) -> NDArray[np.bool_]:
    """True for offers that must be redeemed, ``[n_pairs]``."""
    return np.array([pair.offer.response is Response.REDEMPTION for pair in pairs], dtype=np.bool_)


def interrupts(pair: Pair) -> bool:
    """True where the offer needs a contact of its own: the customer did not come, and nothing carries it."""
    return pair.channel.direction is Direction.OUTBOUND and not pair.offer.enclosed


@quick(frozen=True, slots=True)
class Money:
    """What pairs cost and bring, whoever the customer is; minor units ``[n_pairs]``."""

    table: Floats
    """``[5, n_pairs]``: margin; incentive; the incentive of offers that pay it unnoticed, else 0; what the contact
    costs; what share of the price of attention is charged, 0 where none is."""

    @property
    def charged(self) -> Floats:
        """What share of the price of attention is charged: 1 of that of a mean contact, 0 where nobody is
        interrupted."""
        return _row(self.table, 4)

    @staticmethod
    def of(pairs: Sequence[Pair], attention: Attention = ASSUMED) -> Money:
        """That of these pairs. An enclosed offer is charged neither attention nor cost."""
        rows = [
            (
                pair.offer.margin_minor,
                pair.offer.incentive_minor,
                pair.offer.incentive_minor if pair.offer.automatic else 0,
                0.0 if pair.offer.enclosed else pair.channel.cost_minor,
                attention.share(pair.channel.name) if interrupts(pair) else 0.0,
            )
            for pair in pairs
        ]
        return Money(np.array(rows, dtype=np.float64).reshape(len(pairs), 5).T.copy())

    def at(self, places: NDArray[np.intp]) -> Money:
        """That of the pairs at these places, ascending and each once."""
        return self if len(places) == self.table.shape[1] else Money(self.table.take(places, axis=1))


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

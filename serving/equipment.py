"""Everything a decision needs beside the request and the customer, as one frozen value that is swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import ChannelName, Instant, OfferId
from features.evidence import Pooled, pool
from features.state import State
from serving.attention import Attention
from serving.draw import Places
from serving.eligibility import Shelf
from serving.eligibility.memory import Need, needs_of
from serving.ledger.counting import reach_us
from serving.leverage import Leverage
from serving.money import Money
from serving.offering import Offering, Sight
from serving.pairs import Known, Pair
from serving.policy.policy import DEFAULT, Policy
from serving.score import Model
from serving.shortfall import Shortfall
from serving.snapshot import Snapshot
from serving.wording import addresses

SALT = "kairos"
"""Of draws where there is no other."""
Named = tuple[OfferId, ChannelName]
"""An offer and a channel."""
NOTHING = Catalogue(source="", currency="XXX", now=Instant(0), fingerprint="", offers=(), channels=())
"""The catalogue that stands in where none can be read; XXX is ISO 4217's code for no currency."""


@dataclass(frozen=True)
class Equipment:
    """What is in force. A request takes it once and keeps it, whatever is swapped meanwhile."""

    catalogue: Catalogue
    evidence: Pooled
    """Rates of the catalogue's offers and channels as of ``evidence_at``."""
    evidence_at: Instant
    attention: Attention
    model: Model | None = None
    shortfalls: tuple[Shortfall, ...] = ()
    """What is missing; empty in good health."""
    notes: tuple[str, ...] = ()
    """What else an answer should warn of."""
    policy: Policy = DEFAULT
    prices: Mapping[str, float] = field(default_factory=dict)
    """What one unit of a scarce stock, capacity or budget is worth to others, by its key; minor units."""
    salt: str = SALT
    """Part of every draw: another salt makes other draws."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    """What ``evidence`` was pooled from."""
    laid_out: Shelf | None = field(default=None, compare=False, repr=False)
    """The shelf of the equipment before, kept where catalogue and policy are the same."""
    offerings: Mapping[str, Offering] = field(default_factory=dict, compare=False, repr=False)
    """The pairs of each kind made ready for this evidence, see ``made_ready``."""

    def __post_init__(self) -> None:
        held = self.laid_out
        if held is None or held.catalogue is not self.catalogue or held.policy is not self.policy:
            object.__setattr__(self, "laid_out", Shelf.of(self.catalogue, self.policy))

    @cached_property
    def shelf(self) -> Shelf:
        """Catalogue and policy, laid out for the rules of eligibility."""
        assert self.laid_out is not None
        return self.laid_out

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair of the catalogue."""
        return self.shelf.pairs

    @cached_property
    def first(self) -> Places:
        """Which of two pairs of equal score comes first, ``[n_pairs]``: by offer, then by channel."""
        named = [(pair.offer.offer_id, pair.channel.name) for pair in self.pairs]
        return _ranks(named)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """``first``, the number of each pair's offer and that of its channel, ``[3, n_pairs]``."""
        return np.array([self.first, self.shelf.offer, self.shelf.channel], dtype=np.int64)

    @cached_property
    def stocks(self) -> tuple[str, ...]:
        """Keys of the stocks of the offers."""
        return tuple(stock.key for stock in self.shelf.stocks)

    @cached_property
    def needed(self) -> tuple[Need, ...]:
        """Which events the rules ask for."""
        return needs_of(self.policy, self.catalogue)

    @cached_property
    def reach_us(self) -> int:
        """How far back a contact can matter to a decision, microseconds."""
        return reach_us(self.policy)

    def since(self, at: Instant) -> Instant:
        """The earliest contact that can matter to a decision."""
        return Instant(at - self.reach_us)

    @cached_property
    def leverage(self) -> Leverage:
        """The policy's levers and scarce resources, laid out over the pairs."""
        return Leverage(self.policy, self.pairs)

    @cached_property
    def carrying(self) -> dict[str, tuple[ChannelName, ...]]:
        """The channels that could carry an offer of each kind."""
        found: dict[str, dict[ChannelName, None]] = {}
        for pair in self.pairs:
            found.setdefault(pair.offer.kind, {})[pair.channel.name] = None
        return {kind: tuple(channels) for kind, channels in found.items()}

    @cached_property
    def addressing(self) -> frozenset[Named]:
        """The pairs of which something that is said calls the customer by name."""
        told = [(pair.offer, pair.channel.name) for pair in self.pairs if pair.offer.wording]
        return frozenset((offer.offer_id, channel) for offer, channel in told if addresses(offer, channel))

    @cached_property
    def money(self) -> Money:
        """What the pairs cost and bring, ``[n_pairs]``."""
        return Money.of(self.pairs, self.attention)

    def made_ready(self) -> Equipment:
        """The same with all that makes decisions fast. Slow, so done before it comes into force."""
        found = {kind: Offering.of(kind, self.pairs, self.evidence, self.model) for kind in self.catalogue.kinds}
        return replace(self, offerings={kind: each for kind, each in found.items() if each is not None})

    def sight(self, kind: str, known: Known, rows: Places, pairs: Sequence[Pair]) -> Sight:
        """What the models see of these pairs of a kind, which stand at ``rows``."""
        ready = self.offerings.get(kind)
        if ready is None or ready.evidence is not self.evidence:
            return Sight(known, pairs, self.evidence)
        return ready.glance(known, rows, pairs)


def _ranks(named: list[tuple[OfferId, ChannelName]]) -> Places:
    ranks = np.empty(len(named), dtype=np.intp)
    ranks[sorted(range(len(named)), key=named.__getitem__)] = np.arange(len(named))
    return ranks


def pooled(catalogue: Catalogue, states: Mapping[OfferId, State], at: Instant) -> Pooled:
    """The rates of the catalogue's offers and channels as of an instant."""
    return pool(catalogue.offers, [channel.name for channel in catalogue.channels], states, at)

"""Everything a decision needs beside the request and the customer, as one frozen value that is swapped as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from features.catalogue import Catalogue
from features.domain import Instant, OfferId
from features.evidence import Pooled, pool
from features.state import State
from serving.pairs import Pair, pairs_of
from serving.policy.policy import DEFAULT, Policy
from serving.score import Attention, Model
from serving.shortfall import Shortfall

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
    pairs: tuple[Pair, ...] = field(init=False)
    """Every pair of the catalogue."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", pairs_of(self.catalogue))

    @cached_property
    def kind_pairs(self) -> dict[str, list[Pair]]:
        """The pairs of each kind of offer."""
        return {kind: [pair for pair in self.pairs if pair.offer.kind == kind] for kind in self.catalogue.kinds}


def pooled(catalogue: Catalogue, states: Mapping[OfferId, State], at: Instant) -> Pooled:
    """The rates of the catalogue's offers and channels as of an instant."""
    return pool(catalogue.offers, [channel.name for channel in catalogue.channels], states, at)

"""What is asked and what is answered, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, CustomerId, DecisionId, Instant
from features.intent import Intent
from serving.eligibility import Removal
from serving.pairs import Pair
from serving.ranking import SILENCE, ChannelScore, Scored
from serving.shortfall import Shortfall, distinct


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked."""

    decision_id: DecisionId
    customer_id: CustomerId
    at: Instant
    kind: str | None
    """Kind of offer to rank; None leaves it to the decision."""
    channels: frozenset[ChannelName] | None
    """Channels that may be used; None allows all on which the sender starts."""
    limit: int


@dataclass(frozen=True, slots=True)
class Item:
    """One offer that is better than silence, on its best channel."""

    scored: Scored
    contacts: float
    """Contacts with this offer that the judgement rests on (all customers, half-life 180 days)."""
    similar_contacts: float
    """The same over all offers of its category and kind."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """Saying nothing, as one of the choices."""

    wins: bool
    reason: str
    score: float = SILENCE


@dataclass(frozen=True, slots=True)
class Funnel:
    """From every pair of the catalogue to those worth a contact."""

    considered: int
    removed: tuple[Removal, ...]
    below_silence: tuple[Scored, ...]
    """Offers that may be made and are not worth it, best first, each on its best channel."""
    eligible: int


@dataclass(frozen=True, slots=True)
class Vectors:
    """What the models saw: float32 ``[n_pairs, n_names]``, one row per pair."""

    names: tuple[str, ...]
    pairs: tuple[Pair, ...]
    matrix: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Versions:
    """What the decision was made with."""

    model: str | None
    schema: str
    catalogue: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one ask, with everything it rests on."""

    ask: Ask
    kind: str
    by_popularity: bool
    """True without a model: scores are then expected value by popularity, what is bought anyway included."""
    personal: bool
    """False where the customer has objected to profiling: the decision is then what it would be for a stranger."""
    intents: tuple[Intent, ...]
    """What the customer has begun and not finished, strongest first."""
    items: tuple[Item, ...]
    silence: Silence
    preferred_channel: ChannelName | None
    channels: tuple[ChannelScore, ...]
    funnel: Funnel
    vectors: Vectors
    cold_start: bool
    shortfalls: tuple[Shortfall, ...]
    valid_until: Instant
    versions: Versions


def silenced(decision: Decision, shortfall: Shortfall) -> Decision:
    """The same with nothing offered, for a reason that forbids every contact."""
    return replace(
        decision,
        items=(),
        silence=Silence(True, shortfall.sentence),
        shortfalls=distinct(*decision.shortfalls, shortfall),
    )

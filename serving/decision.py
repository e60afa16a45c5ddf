"""What is asked and what is answered, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, CustomerId, DecisionId, Instant, OfferId
from features.intent import Intent
from features.quick import quick
from features.state import Floats
from serving.circumstances import Circumstances
from serving.draw import SILENCE, Draw, Places
from serving.eligibility import Removals
from serving.german import sentence
from serving.grant import Grant
from serving.language import Language
from serving.menu import Item, Menu
from serving.offering import Sight
from serving.pairs import Known, Pair
from serving.ranking import ChannelScore, Judged, Scored
from serving.shortfall import Shortfall, distinct


@quick(frozen=True, slots=True)
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
    offer_id: OfferId | None = None
    """The one offer asked for; the only way, beside its kind, to what is not promotional."""
    contacts: int = 1
    """Most messages on outbound channels to reserve."""
    context: Mapping[str, str | float | bool] = field(default_factory=dict)
    """What conditions of the policy may read beside the customer and the offer."""
    seed: int | None = None
    """In place of the decision's id in the draw; for dry runs."""
    language: Language = Language.EN
    """In which reasons are told."""
    now_only: bool = False
    """True where the message goes out now or not at all, such as an e-mail that is being sent."""


@quick(frozen=True, slots=True)
class Silence:
    """Saying nothing, as one of the choices."""

    wins: bool
    reason: str
    score: float = SILENCE
    probability: float | None = None
    """With which nothing more was said below the items; None where every place was taken."""


@quick(frozen=True, slots=True)
class Funnel:
    """From every pair of the catalogue to those worth a contact."""

    considered: int
    removed: Removals
    below_silence: Sequence[Scored]
    """Offers that may be made and are not worth it, best first, each on its best channel."""
    eligible: int
    rows: Places
    """Numbers of the eligible pairs among all, ascending."""
    scores: Floats
    """The score of each, minus infinity where it is undefined."""


@quick(frozen=True, slots=True)
class Vectors:
    """What the models saw: float32 ``[n_pairs, n_names]``, one row per pair."""

    names: tuple[str, ...]
    pairs: Sequence[Pair]
    sight: Sight

    @property
    def matrix(self) -> NDArray[np.float32]:
        """Put together when it is first looked at."""
        return self.sight.matrix


@quick(frozen=True, slots=True)
class Versions:
    """What the decision was made with."""

    model: str | None
    schema: str
    catalogue: str
    policy: str


@quick(frozen=True, slots=True)
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
    menu: Menu
    """The items and the channels."""
    grant: Grant
    """What the items need of the ledger."""
    draw: Draw
    silence: Silence
    preferred_channel: ChannelName | None
    declared: bool
    """True where the preferred channel is what the customer said."""
    funnel: Funnel
    vectors: Vectors
    judged: Judged
    """Every eligible pair with its score."""
    cold_start: bool
    shortfalls: tuple[Shortfall, ...]
    valid_until: Instant
    versions: Versions
    known: Known
    circumstances: Circumstances
    lacking: tuple[Shortfall, ...]
    """What the knowledge of the customer had to do without."""

    @property
    def items(self) -> tuple[Item, ...]:
        """What is offered, from the top."""
        return self.menu.items

    @property
    def channels(self) -> tuple[ChannelScore, ...]:
        """See Menu."""
        return self.menu.channels


def silenced(decision: Decision, shortfall: Shortfall) -> Decision:
    """The same with nothing offered, for a reason that forbids every contact."""
    return replace(
        decision,
        menu=decision.menu.emptied(),
        grant=Grant(),
        silence=Silence(True, sentence(shortfall, decision.ask.language)),
        shortfalls=distinct(*decision.shortfalls, shortfall),
    )

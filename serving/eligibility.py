"""What may be offered at all. Reading RULES is reading the policy: the first rule that objects removes the pair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from features.domain import DAY, ChannelName, Direction, Importance, Instant, OfferId, Response
from features.instant import format_instant
from features.schema import BY_OFFER
from features.state import NEVER, State
from serving.consent import EVERY_CHANNEL, MARKETING, Consent, Topic, consented
from serving.pairs import Pair, memory_of

MARKETING_OBJECTION = "marketing_objection"
REST_DAYS = 30
"""Days for which an offer rests after the customer declined it, complained about it or gave it back."""


@dataclass(frozen=True, slots=True)
class OfferHistory:
    """Latest instants at which one offer was sent, redeemed and turned down; ``NEVER`` where it was not."""

    sent: Instant
    redeemed: Instant
    declined: Instant


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules read beside the pair."""

    at: Instant
    kind: str
    channels: frozenset[ChannelName] | None
    """Channels the caller allows; None where it names none."""
    history: dict[OfferId, OfferHistory]
    consents: Mapping[Topic, Consent] = field(default_factory=dict)
    """What the customer allowed and objected to."""
    assumed: frozenset[str] = frozenset()
    """Purposes to which customers count as having consented until they say otherwise."""
    offer_id: OfferId | None = None
    """The one offer asked for."""
    asked: bool = False
    """True where the request names the kind or the offer."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A pair that may not be offered, the rule that says so, and the value that decided."""

    pair: Pair
    rule: str
    value: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy. ``objection`` gives the value that decided, None where the rule has no objection."""

    name: str
    meaning: str
    objection: Callable[[Pair, Situation], str | None]


def _other_kind(pair: Pair, situation: Situation) -> str | None:
    return pair.offer.kind if pair.offer.kind != situation.kind else None


def _not_asked_for(pair: Pair, situation: Situation) -> str | None:
    if situation.offer_id not in (None, pair.offer.offer_id):
        return f"only {situation.offer_id} is asked for"
    important = pair.offer.importance is not Importance.PROMOTIONAL
    return (
        f"{pair.offer.importance}: only where kind or offer_id asks for it"
        if important and not situation.asked
        else None
    )


def _marketing_objection(pair: Pair, situation: Situation) -> str | None:
    if pair.offer.importance is not Importance.PROMOTIONAL:
        return None
    refused = _refusal(MARKETING, pair, situation)
    return None if refused is None else f"objected {format_instant(refused.at)}"


def _refusal(purpose: str, pair: Pair, situation: Situation) -> Consent | None:
    """The statement, for every channel or for the pair's own, that forbids the purpose."""
    held = (situation.consents.get((purpose, channel)) for channel in (EVERY_CHANNEL, pair.channel.name))
    return next((said for said in held if said is not None and not said.granted), None)


def _no_consent(pair: Pair, situation: Situation) -> str | None:
    purpose = pair.channel.consent_purpose
    if purpose is None:
        return None
    said = consented(situation.consents, purpose, pair.channel.name)
    if said or (said is None and purpose in situation.assumed):
        return None
    refused = _refusal(purpose, pair, situation)
    return f"{purpose} was never given" if refused is None else f"{purpose} refused {format_instant(refused.at)}"


def _not_yet_valid(pair: Pair, situation: Situation) -> str | None:
    begins = pair.offer.valid_from
    return _bound("from", begins) if begins is not None and situation.at < begins else None


def _no_longer_valid(pair: Pair, situation: Situation) -> str | None:
    ends = pair.offer.valid_to
    return _bound("to", ends) if ends is not None and situation.at > ends else None


@lru_cache(maxsize=4_096)
def _bound(word: str, instant: Instant) -> str:
    """The same few bounds remove hundreds of pairs in every request."""
    return f"valid {word} {format_instant(instant)}"


def _channel_not_allowed(pair: Pair, situation: Situation) -> str | None:
    allowed = situation.channels
    return pair.channel.name if allowed is not None and pair.channel.name not in allowed else None


def _channel_not_open(pair: Pair, situation: Situation) -> str | None:
    absent = pair.channel.direction is Direction.INBOUND and situation.channels is None
    return f"{pair.channel.name} is inbound and not named in the request's channels" if absent else None


def _not_in_audience(pair: Pair, situation: Situation) -> str | None:
    needed = pair.offer.audience
    return f"was never sent {needed}" if needed is not None and _sent(needed, situation) == NEVER else None


def _sent(offer_id: OfferId, situation: Situation) -> Instant:
    history = situation.history.get(offer_id)
    return history.sent if history is not None else NEVER


def _already_taken(pair: Pair, situation: Situation) -> str | None:
    offer, history = pair.offer, situation.history.get(pair.offer.offer_id)
    if history is None or history.redeemed == NEVER or offer.response is not Response.REDEMPTION:
        return None
    running = situation.at - history.redeemed < offer.window_days * DAY
    return f"redeemed {format_instant(history.redeemed)}" if running else None


def _resting(pair: Pair, situation: Situation) -> str | None:
    history = situation.history.get(pair.offer.offer_id)
    if history is None or history.declined == NEVER:
        return None
    resting = situation.at - history.declined < REST_DAYS * DAY
    return f"turned down {format_instant(history.declined)}" if resting else None


RULES: tuple[Rule, ...] = (
    Rule("kind", "The request ranks offers of another kind.", _other_kind),
    Rule(
        "not_asked_for",
        "The request asks for another offer, or for none by name: then nothing but promotions is made.",
        _not_asked_for,
    ),
    Rule(MARKETING_OBJECTION, "The customer has objected to marketing: nothing is promoted.", _marketing_objection),
    Rule("not_yet_valid", "The offer's validity has not begun.", _not_yet_valid),
    Rule("no_longer_valid", "The offer's validity is over.", _no_longer_valid),
    Rule(
        "channel_not_allowed", "The request names the channels to use, and this is none of them.", _channel_not_allowed
    ),
    Rule("channel_not_open", "The customer must come to this channel; the request does not say so.", _channel_not_open),
    Rule("consent", "The channel needs a consent that the customer has not given, or has withdrawn.", _no_consent),
    Rule("audience", "The offer is only for customers who were sent another one first.", _not_in_audience),
    Rule("already_taken", "The customer has redeemed this offer inside its window.", _already_taken),
    Rule("rest", f"The customer turned the offer down less than {REST_DAYS} days ago, on any channel.", _resting),
)


def sift(pairs: Iterable[Pair], situation: Situation) -> tuple[list[Pair], list[Removal]]:
    """The pairs to which no rule objects, in their order, and every other pair with its first objection."""
    eligible: list[Pair] = []
    removed: list[Removal] = []
    for pair in pairs:
        removal = first_objection(pair, situation)
        if removal is None:
            eligible.append(pair)
        else:
            removed.append(removal)
    return eligible, removed


def first_objection(pair: Pair, situation: Situation) -> Removal | None:
    """What the first rule that objects has to say; None for an eligible pair."""
    for rule in RULES:
        value = rule.objection(pair, situation)
        if value is not None:
            return Removal(pair, rule.name, value)
    return None


_SENT, _REDEEMED, _DECLINED = (
    [extreme.name for extreme in BY_OFFER.extremes].index(name)
    for name in ("latest_contacts", "latest_redemptions", "latest_negatives")
)


def offer_history(state: State | None) -> dict[OfferId, OfferHistory]:
    """What the customer's state remembers of each offer ever touched."""
    if state is None:
        return {}
    memory = memory_of(state, BY_OFFER)
    return {
        OfferId(key): OfferHistory(Instant(row[_SENT]), Instant(row[_REDEEMED]), Instant(row[_DECLINED]))
        for key, row in zip(memory.keys, memory.instants.tolist(), strict=True)
    }

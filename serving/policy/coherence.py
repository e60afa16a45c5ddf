"""What a document says that no type can forbid: contradictions, doubles, conditions nobody can understand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from features.domain import Offer
from features.errors import KairosError
from features.intent import Topic
from features.rows import PROFILE_VALUES
from serving.facts import CONTEXT_NAMES, NAMES
from serving.policy.flaw import Flaw, Path
from serving.policy.overlay import Overlay
from serving.policy.persona import Persona, Personas
from serving.policy.policy import Per, Policy
from serving.policy.policy import Sequence as SequenceRule
from serving.policy.window import Window
from serving.predicate import compile
from serving.wording import IN_TERMS, understand

Understand = Callable[[str], object]
"""Reads a text; raises KairosError where it cannot be understood."""


def _rule(text: str) -> None:
    compile(text, NAMES)


def _of_context(text: str) -> None:
    compile(text, CONTEXT_NAMES)


def flaws_of_policy(policy: Policy) -> Iterator[Flaw]:
    """Every contradiction of a policy."""
    for name in ("caps", "rests", "sequences", "requirements", "levers", "capacities", "budgets"):
        yield from _doubles((each.name for each in getattr(policy, name)), name, "name")
    for place, cap in enumerate(policy.caps):
        yield from _window(cap.window, ("caps", place, "window"))
        if cap.of is not None and cap.per is Per.ALL:
            yield Flaw.at(("caps", place, "of"), f"{cap.of!r} cannot be one of `all`: say per channel, offer …")
    for place, sequence in enumerate(policy.sequences):
        yield from _sequence(sequence, ("sequences", place))
    for place, requirement in enumerate(policy.requirements):
        yield from _text(requirement.needs, ("requirements", place, "needs"), _rule)
    for place, lever in enumerate(policy.levers):
        if lever.when:
            yield from _text(lever.when, ("levers", place, "when"), _of_context)
    for place, capacity in enumerate(policy.capacities):
        if capacity.window is not None:
            yield from _calendar(capacity.window, ("capacities", place, "window"))
    for place, budget in enumerate(policy.budgets):
        if budget.window is not None:
            yield from _calendar(budget.window, ("budgets", place, "window"))
    drawn = policy.exploration
    if drawn.control + drawn.random + drawn.floor > 1:
        yield Flaw.at(("exploration",), "control, random and floor are shares of one whole: together at most 1")


def flaws_of_overlay(overlay: Overlay) -> Iterator[Flaw]:
    """Every contradiction of a document of offers."""
    yield from _doubles((offer.offer_id for offer in overlay.offers), "offers", "offer_id")
    yield from _doubles((channel.name for channel in overlay.channels), "channels", "name")
    both = {offer.offer_id for offer in overlay.offers} & set(overlay.withdrawn)
    for place, offer_id in enumerate(overlay.withdrawn):
        if offer_id in both:
            yield Flaw.at(("withdrawn", place), f"{offer_id!r} stands among the offers, too: keep one of the two")
    for place, offer in enumerate(overlay.offers):
        yield from flaws_of_offer(offer, ("offers", place))


def flaws_of_offer(offer: Offer, path: Path) -> Iterator[Flaw]:
    """Every contradiction of one offer, which stands at ``path``."""
    for name in ("kind", "name"):
        if not getattr(offer, name).strip():
            yield Flaw.at((*path, name), "is empty: people and rules call the offer by it")
    if not offer.channels:
        yield Flaw.at((*path, "channels"), "is empty: an offer needs a channel that can carry it")
    if offer.valid_from is not None and offer.valid_to is not None and offer.valid_to < offer.valid_from:
        yield Flaw.at((*path, "valid_to"), "lies before valid_from: the offer could never be made")
    if offer.rule:
        yield from _text(offer.rule, (*path, "rule"), _rule)
    if len({said.channel for said in offer.wording}) < len(offer.wording):
        yield Flaw.at((*path, "wording"), "says two things on one channel: keep one wording for each")
    for place, said in enumerate(offer.wording):
        if said.channel not in offer.channels:
            yield Flaw.at((*path, "wording", place, "channel"), _carried(offer, said.channel))
        for name in ("title", "body"):
            yield from _text(getattr(said, name), (*path, "wording", place, name), understand)
    yield from _text(offer.terms, (*path, "terms"), lambda text: understand(text, IN_TERMS))
    for place, later in enumerate(offer.follow_ups):
        for name, channel in (("channel", later.channel), ("only_on", later.only_on)):
            if channel is not None and channel not in offer.channels:
                yield Flaw.at((*path, "follow_ups", place, name), _carried(offer, channel))


def flaws_of_personas(personas: Personas) -> Iterator[Flaw]:
    """Every contradiction of a document of personas."""
    yield from _doubles((each.persona_id for each in personas.personas), "personas", "persona_id")
    for place, persona in enumerate(personas.personas):
        yield from flaws_of_persona(persona, ("personas", place))


def flaws_of_persona(persona: Persona, path: Path) -> Iterator[Flaw]:
    """Every contradiction of one persona, which stands at ``path``."""
    try:
        ZoneInfo(persona.zone)
    except (KeyError, ValueError, OSError):
        yield Flaw.at((*path, "zone"), f"{persona.zone!r} is no IANA time zone: write it like Europe/Berlin")
    for name in persona.profile:
        if name not in PROFILE_VALUES:
            yield Flaw.at((*path, "profile", name), f"is no value of a profile: use {', '.join(PROFILE_VALUES)}")


def _sequence(sequence: SequenceRule, path: Path) -> Iterator[Flaw]:
    if (sequence.event is None) is (sequence.while_open is None):
        yield Flaw.at(path, "needs exactly one of event and while_open")
    if sequence.while_open is not None:
        if sequence.while_open not in list(Topic):
            said = f"{sequence.while_open!r} is no topic: use {', '.join(Topic)}"
            yield Flaw.at((*path, "while_open"), said)
        for name in ("of_offer", "of_category", "within_days"):
            if getattr(sequence, name) is not None:
                yield Flaw.at((*path, name), "belongs to an event: with while_open it means nothing")
        if sequence.only_after:
            yield Flaw.at((*path, "only_after"), "belongs to an event: with while_open it means nothing")


def _window(window: Window, path: Path) -> Iterator[Flaw]:
    if (window.hours is None) is (window.calendar is None):
        yield Flaw.at(path, "needs exactly one of hours and calendar")


def _calendar(window: Window, path: Path) -> Iterator[Flaw]:
    if window.calendar is None or window.hours is not None:
        yield Flaw.at(path, "must be a stretch of the calendar: day, week or month")


def _text(text: str, path: Path, read: Understand) -> Iterator[Flaw]:
    try:
        read(text)
    except KairosError as error:
        yield Flaw.at(path, str(error))


def _doubles(names: Iterable[str], field: str, key: str) -> Iterator[Flaw]:
    listed: Sequence[str] = list(names)
    for place, name in enumerate(listed):
        if name in listed[:place]:
            yield Flaw.at((field, place, key), f"{name!r} stands there twice: give each a name of its own")


def _carried(offer: Offer, channel: str) -> str:
    return f"{channel!r} does not carry the offer: use {', '.join(offer.channels) or 'one of its channels'}"

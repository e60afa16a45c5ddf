"""What a customer allowed and objected to, and which statement holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.domain import Instant

EVERY_CHANNEL = ""
PROFILING = "profiling"
"""Purpose whose refusal is the objection to profiling: decisions are then by popularity."""
MARKETING = "marketing"
"""Purpose whose refusal is the objection to marketing: nothing is offered then."""
PREFERRED = "preferred_channel"
"""Purpose whose grant for a channel says that the customer wants to be spoken to there; it beats any model."""

Topic = tuple[str, str]
"""Purpose and channel; an empty channel means every channel."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One statement of a customer, with where it came from and what proves it."""

    purpose: str
    granted: bool
    at: Instant
    source: str
    channel: str = EVERY_CHANNEL
    proof: str | None = None


def consented(held: Mapping[Topic, Consent], purpose: str, channel: str) -> bool | None:
    """What holds for a purpose on a channel: a refusal for every channel or for this one outweighs a grant.

    None where nothing was said.
    """
    said = [held[topic].granted for topic in ((purpose, EVERY_CHANNEL), (purpose, channel)) if topic in held]
    return all(said) if said else None


def objects_to(held: Mapping[Topic, Consent], purpose: str) -> bool:
    """True where the customer has objected to the purpose: PROFILING or MARKETING."""
    said = held.get((purpose, EVERY_CHANNEL)) if held else None
    return said is not None and not said.granted


def preferred_channel(held: Mapping[Topic, Consent]) -> str | None:
    """The channel the customer asked for last and did not give up again; None where none was asked for."""
    asked = [said for (purpose, channel), said in held.items() if purpose == PREFERRED and channel and said.granted]
    return max(asked, key=lambda said: (said.at, said.channel)).channel if asked else None


def most_restrictive(left: Mapping[Topic, Consent], right: Mapping[Topic, Consent]) -> dict[Topic, Consent]:
    """What holds for a customer made of two: on each topic the refusal where there is one, else what was said."""
    merged = dict(left)
    for topic, other in right.items():
        mine = merged.get(topic)
        if mine is None or (mine.granted and not other.granted):
            merged[topic] = other
    return merged

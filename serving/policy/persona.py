"""Synthetic customers, to try a policy on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.domain import Category, ChannelName, Kind, OfferId


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that a persona did, or that was done to it."""

    kind: Kind
    channel: ChannelName
    days_ago: float
    """Days before the instant of the decision, so that a persona does not age."""
    offer_id: OfferId | None = None
    category: Category | None = None
    value_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a persona allowed or objected to."""

    purpose: str
    """A channel's purpose, ``marketing`` or ``profiling``."""
    granted: bool
    channel: str = ""
    """Empty: every channel."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A customer who does not exist. Deciding for one touches neither ledger nor statistics."""

    persona_id: str
    meaning: str = ""
    zone: str = "UTC"
    """IANA time zone."""
    profile: Mapping[str, float] = field(default_factory=dict)
    """Values of the profile by name; what is not named is unknown."""
    events: tuple[Happened, ...] = ()
    consents: tuple[Agreed, ...] = ()


@dataclass(frozen=True, slots=True)
class Personas:
    """The document of all personas."""

    personas: tuple[Persona, ...] = ()

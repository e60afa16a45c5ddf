"""A persona as it stands at an instant: what would be known of such a customer, and what was said to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.catalogue import Catalogue
from features.domain import DAY, Category, CustomerId, Direction, Event, EventId, Importance, Instant, Kind
from features.fold import fold
from features.intent import open_intents
from features.moment import on_wall_clock
from features.rows import PROFILE_VALUES, Profile
from features.state import NEVER, empty
from serving.consent import Consent
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.pairs import Known
from serving.policy.persona import Happened, Persona

SOURCE = "persona"


@dataclass(frozen=True, slots=True)
class Figure:
    """A persona at one instant."""

    known: Known
    ledger: Ledger


def figure(persona: Persona, catalogue: Catalogue, at: Instant) -> Figure:
    """The persona, its history told backwards from the instant. What it was sent counts as contacts that went out."""
    told = tuple(_event(persona, place, each, catalogue, at) for place, each in enumerate(persona.events))
    events = on_wall_clock(told, lambda: persona.zone)
    consents = {
        (said.purpose, said.channel): Consent(said.purpose, said.granted, at, SOURCE, said.channel)
        for said in persona.consents
    }
    activity = fold(empty(), events, categories=catalogue.categories) if events else None
    values = np.array([persona.profile.get(name, np.nan) for name in PROFILE_VALUES], dtype=np.float64)
    profile = Profile(values, np.array(NEVER, dtype=np.int64))
    known = Known(at, activity, profile, persona.zone, consents, open_intents(events, at))
    return Figure(known, Ledger(tuple(_contacts(events, catalogue))))


def _event(persona: Persona, place: int, told: Happened, catalogue: Catalogue, at: Instant) -> Event:
    when = Instant(at - round(told.days_ago * DAY))
    offer = catalogue.offer.get(told.offer_id) if told.offer_id is not None else None
    category = told.category if told.category is not None else offer.category if offer is not None else None
    return Event(
        source=SOURCE,
        event_id=EventId(str(place)),
        customer_id=CustomerId(persona.persona_id),
        kind=told.kind,
        channel=told.channel,
        occurred_at=when,
        received_at=when,
        utc_offset_min=None,
        offer_id=told.offer_id,
        category=None if category is None else Category(category),
        value_minor=told.value_minor,
    )


def _contacts(events: tuple[Event, ...], catalogue: Catalogue) -> list[Contact]:
    outbound = {channel.name for channel in catalogue.channels if channel.direction is Direction.OUTBOUND}
    found = []
    for event in events:
        offer = catalogue.offer.get(event.offer_id) if event.offer_id is not None else None
        if event.kind is not Kind.SENT or event.channel not in outbound or offer is None:
            continue
        found.append(
            Contact(
                contact_id=ContactId(event.event_id),
                channel=event.channel,
                moment=event.occurred_at,
                offers=(offer.offer_id,),
                categories=(offer.category,),
                purposes=(offer.purpose,),
                priority=offer.priority,
                counts=True,
                standing=Standing.CONFIRMED,
                expires_at=event.occurred_at,
                capped=offer.importance is Importance.PROMOTIONAL,
            )
        )
    return found

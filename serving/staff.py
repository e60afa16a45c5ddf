"""Who does the work behind the routes of a service, and in jobs."""

from __future__ import annotations

from dataclasses import dataclass

from features.clock import SimulatedClock
from features.domain import Direction
from serving.attribution import Attribution
from serving.briefing import Briefing
from serving.clerk import Clerk
from serving.desk import Desk
from serving.equipment import Equipment
from serving.events.body import Reading
from serving.intake import Intake
from serving.live_store import LiveStore
from serving.parts import Parts
from serving.projection import NoVocabularyError, Projection
from serving.reception import Reception
from serving.welcome import Welcome


@dataclass(frozen=True)
class Staff:
    """Who does the work behind the routes of a service, and in jobs."""

    projection: Projection
    store: LiveStore
    intake: Intake
    clerk: Clerk
    reception: Reception


def staff_of(parts: Parts) -> Staff:
    """The staff that works with these parts."""
    projection = _projection(parts)
    store = LiveStore(parts.store, projection)
    intake = _intake(parts, projection)
    desk = Desk(store)
    clerk = Clerk(parts.journal, desk)

    def equipment() -> Equipment:
        return parts.watch.current

    reception = Reception(
        clerk,
        parts.clock,
        equipment,
        simulated=isinstance(parts.clock, SimulatedClock),
        receive=Welcome(intake).receive,
        heard=parts.meter.decided,
        briefing=Briefing(store, desk, parts.clock, equipment),
    )
    return Staff(projection, store, intake, clerk, reception)


def _projection(parts: Parts) -> Projection:
    def categories() -> frozenset[str]:
        catalogue = parts.watch.current.catalogue
        if not catalogue.source:
            raise NoVocabularyError("there is no catalogue yet, so events cannot be read: run `make features`")
        return catalogue.categories

    return Projection(parts.journal, parts.values, categories, parts.store.zone)


def _intake(parts: Parts, projection: Projection) -> Intake:
    def reading() -> Reading:
        catalogue, policy = parts.watch.current.catalogue, parts.watch.current.policy
        projection.categories()
        return Reading(
            catalogue.currency,
            frozenset(str(name) for name in catalogue.channel),
            {offer.offer_id: offer.category for offer in catalogue.offers},
            parts.keep_raw,
            frozenset(c.name for c in catalogue.channels if c.direction is Direction.OUTBOUND),
            catalogue.offer,
            policy.count_transactional,
        )

    attribution = Attribution(parts.journal, lambda: parts.watch.current.catalogue.offer)
    return Intake(projection, parts.clock, reading, attribution)

"""The routes by which a service is watched: whether it lives, is ready, and what runs in it."""

from __future__ import annotations

from fastapi import APIRouter

from features.clock import SimulatedClock
from features.instant import format_instant
from features.vector import vector_fingerprint
from serving import api
from serving.call import refusal
from serving.journal import JournalUnavailableError
from serving.parts import Parts
from serving.problem import Fault, RefusalError
from serving.shortfall import Lack, Shortfall
from serving.wire import SERVICE_VERSION


def health_routes(parts: Parts) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["service"])

    @router.get("/health/live")
    async def live() -> api.Health:
        """The process answers."""
        return api.Health(status="live")

    @router.get("/health/ready", responses={503: refusal("Something is missing.")})
    def ready() -> api.Health:
        """Model, features and catalogue are loaded and warm, and the journal can be used."""
        missing = [*parts.watch.current.shortfalls]
        try:
            parts.journal.position()
        except JournalUnavailableError as error:
            missing.append(Shortfall(Lack.JOURNAL_UNAVAILABLE, f"Nothing is offered: {error}."))
        if missing:
            faults = [Fault(pointer="", detail=f"{shortfall.lack}: {shortfall.sentence}") for shortfall in missing]
            raise RefusalError(503, "not_ready", "Answers are given, by the fallback where need be.", *faults)
        return api.Health(status="ready")

    @router.get("/version")
    async def version() -> api.Version:
        """What runs here, and which instant counts as now."""
        equipment = parts.watch.current
        return api.Version(
            service=SERVICE_VERSION,
            source=equipment.catalogue.source or None,
            model=equipment.model.version if equipment.model else None,
            schema=vector_fingerprint(),
            catalogue=equipment.catalogue.fingerprint or None,
            clock="simulated" if isinstance(parts.clock, SimulatedClock) else "system",
            now=format_instant(parts.clock.now()),
        )

    return router

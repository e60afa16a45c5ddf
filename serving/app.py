"""The HTTP service, made of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool

from features.domain import CustomerId, DecisionId
from serving import api, contact_routes
from serving.answers import declare_answers
from serving.call import refusal
from serving.catch_up import CatchUp
from serving.clock_routes import clock_routes
from serving.companion import Companion
from serving.crew import TOGETHER
from serving.decision import Ask, Decision
from serving.decision_routes import decision_routes
from serving.desk import Desk
from serving.document_routes import document_routes
from serving.documents import Documents
from serving.door import Door
from serving.envelope import Envelope
from serving.equipment import Equipment
from serving.exposition import Exposition
from serving.follow_ups import FollowUpDesk
from serving.front import Fronted
from serving.health_routes import health_routes
from serving.job_routes import job_routes
from serving.jobs.office import Office
from serving.journal.keys import Scope
from serving.live import Live
from serving.live_routes import routes
from serving.metric_routes import metric_routes
from serving.monitored import FROM_SHADOW, Monitored
from serving.outreach import Outreach
from serving.page import Page
from serving.parts import Parts, parts_of
from serving.preview import Preview
from serving.problem_handlers import add_problems, declare_problems
from serving.punctual import Punctual
from serving.recall import Recall
from serving.reception import Reception
from serving.replay import Replay
from serving.repricing import Repricing
from serving.send_routes import send_routes
from serving.sends import Sends
from serving.settings import Settings
from serving.staff import Staff, staff_of
from serving.straight import PATH, Straight
from serving.sweep import Sweep
from serving.unavailable import UNREADABLE
from serving.vault import Vault
from serving.wire import SERVICE_VERSION

ABOUT = """Decides, for one customer and in one call, which offer to make, on which channel, at which moment, or that \
silence is better.

Errors are `application/problem+json` (RFC 9457). `X-Request-Id` is echoed. Bodies are at most 1 MB."""
SENDERS = 64
"""Threads that work on answers to senders."""


def create_app(settings: Settings) -> FastAPI:
    """The service of these settings. It begins to load when it is started, not before."""
    return serve(parts_of(settings))


def _live(parts: Parts, staff: Staff, door: Door) -> Live:
    intake, reception = staff.intake, staff.reception

    def rehearse(customer_id: CustomerId) -> dict[str, Any]:
        request = api.DecisionRequest.model_validate({"customer_id": customer_id, "dry_run": True})
        made: dict[str, Any] = msgspec.to_builtins(reception.decide(request))
        return made

    return Live(
        parts.journal,
        intake,
        Page(parts.journal, rehearse, intake.attribution.came_of),
        door,
        parts.clock,
        parts.values,
        forget_in_files=parts.forget_in_files,
    )


def _documents(parts: Parts, desk: Desk, reception: Reception, door: Door) -> APIRouter:
    documents = Documents(parts.journal, parts.watch, parts.clock)

    def rehearse(customer_id: CustomerId, equipment: Equipment) -> Decision:
        at = parts.clock.now()
        ask = Ask(DecisionId(customer_id), customer_id, at, None, None, 1)
        return desk.decide(ask, equipment).decision

    return document_routes(documents, Preview(documents, rehearse), reception.imagine, door)


def _sends(parts: Parts, staff: Staff) -> Sends:
    def stored(customer_id: CustomerId) -> bool:
        try:
            did, told = parts.store.customer(customer_id)
            return told is not None or (did is not None and parts.store.state(did, parts.clock.now()) is not None)
        except UNREADABLE:
            return True

    pool = ThreadPoolExecutor(SENDERS, "send") if parts.deadline_ms else None
    deadline_s = parts.deadline_ms / 1e3
    return Sends(staff.clerk, staff.reception, parts.clock, lambda: parts.watch.current, stored, deadline_s, pool)


def _exposition(parts: Parts) -> Exposition:
    monitored, shadow = Monitored(parts.monitor), Monitored(parts.shadow_report, FROM_SHADOW, None)
    return Exposition(parts.meter.tally, lambda: parts.watch.current, (monitored.readings, shadow.readings))


def serve(parts: Parts) -> FastAPI:
    """The service made of these parts."""

    staff = staff_of(parts)
    catch_up = CatchUp(staff.projection)
    office = Office(parts.jobs, parts.audiences, parts.clock, lambda: parts.watch.current, parts.launch)
    sweep = Sweep(parts.journal, parts.clock)
    companion = Companion(parts.shadowed, parts.shadow)
    repricing = Repricing(lambda: parts.watch.current, parts.clock.now, parts.prices_per_day, parts.solve)
    punctual = Punctual(staff.reception, parts.deadline_ms)

    def rehearse(equipment: Equipment) -> None:
        """Look up somebody whom nobody knows, so that what reads store and journal is loaded and compiled as well."""
        for kind in equipment.catalogue.kinds:
            asked = Ask(DecisionId(""), CustomerId(""), parts.clock.now(), kind, None, 1)
            staff.clerk.desk.decide(asked, equipment)
        staff.reception.rehearse(TOGETHER)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.journal.expect(punctual.at_it)
        parts.journal.open()
        parts.watch.rehearse_with(rehearse)
        parts.watch.start()
        catch_up.start()
        sweep.start()
        office.resume_all()
        repricing.start()
        companion.start()
        with parts.stay():
            yield
        companion.stop()
        repricing.stop()
        punctual.close()
        sweep.stop()
        catch_up.stop()
        parts.watch.stop()
        parts.journal.close()

    app = Fronted(
        title="Kairos",
        version=SERVICE_VERSION,
        description=ABOUT,
        lifespan=lifespan,
        redoc_url=None,
        responses={"default": refusal("Anything that goes wrong.")},
    )
    door = Door(parts.journal, parts.access == "open")

    async def admit(key: str | None) -> None:
        await run_in_threadpool(door.admit, key, Scope.DECIDE)

    app.add_middleware(Envelope)
    live = _live(parts, staff, door)
    recall = Recall(
        parts.journal, Replay(Vault(parts.journal, parts.models_dir, parts.load)), staff.intake.attribution.came_of
    )
    app.include_router(decision_routes(punctual, door, live.repeats, recall))
    app.include_router(clock_routes(parts, door))
    app.include_router(routes(live))
    app.include_router(_documents(parts, staff.clerk.desk, staff.reception, door))
    app.include_router(job_routes(office, door, live.repeats))
    app.include_router(send_routes(_sends(parts, staff), door))
    outreach = Outreach(parts.journal, parts.clock, lambda: parts.watch.current)
    follow_ups = FollowUpDesk(
        parts.journal, parts.clock, lambda: parts.watch.current, partial(staff.reception.decide, known=True)
    )
    app.include_router(contact_routes.routes(outreach, follow_ups, door))
    app.include_router(health_routes(parts))
    app.include_router(metric_routes(_exposition(parts), door))
    add_problems(app)
    app.put_in_front(PATH, lambda rest, fail: Straight(rest, fail, None if door.open else admit, punctual))
    _describe_late(app)
    return app


def _describe_late(app: FastAPI) -> None:
    """The API's description is made when it is first asked for: that takes longer than all the rest of the start."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            declare_answers(document)
            declare_problems(document)
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]

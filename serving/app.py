"""The HTTP service. ``create_app`` is the only place where real parts are chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from features.clock import Clock, SimulatedClock
from features.domain import CustomerId, DecisionId, Direction
from features.instant import format_instant
from features.vector import vector_fingerprint
from serving import api, contact_routes
from serving.archive import Archive
from serving.attribution import Attribution
from serving.batch_files import BatchFiles
from serving.catch_up import CatchUp
from serving.clerk import Clerk
from serving.crowd import Crowd
from serving.decision import Ask, Decision
from serving.desk import Desk
from serving.document_routes import document_routes
from serving.documents import Documents
from serving.door import Door, check_open
from serving.envelope import Envelope, is_json
from serving.equipment import Equipment
from serving.events.body import Reading
from serving.follow_ups import FollowUpDesk
from serving.intake import Intake
from serving.job_routes import job_routes
from serving.jobs.launch import launch
from serving.jobs.office import Office
from serving.jobs.order import JobId
from serving.journal import Journal, JournalUnavailableError
from serving.journal.erasure import Known
from serving.journal.keys import Scope
from serving.listing import Listing
from serving.live import Live
from serving.live_routes import Key, Once, routes
from serving.live_store import LiveStore
from serving.online import online_of
from serving.outreach import Outreach
from serving.page import Page
from serving.policy.flaw import pointer
from serving.present import clock_of, follower
from serving.preview import Preview
from serving.problem import Fault, Problem, RefusalError, problem
from serving.projection import NoVocabularyError, Projection
from serving.punctual import WORKERS, Punctual
from serving.recall import Recall
from serving.reception import Reception
from serving.registry import Load, Registry, read_bundle
from serving.repeats import Call, Given, Repeats
from serving.replay import Replay
from serving.score import Attention
from serving.send_routes import send_routes
from serving.sends import Sends
from serving.settings import Access, Settings, variables
from serving.shortfall import Lack, Shortfall
from serving.store import FeatureReader
from serving.sweep import Sweep
from serving.unavailable import UNREADABLE
from serving.values import MemoryValues, Values
from serving.vault import Vault
from serving.watch import Watch
from serving.welcome import Welcome
from serving.wire import SERVICE_VERSION

ABOUT = """Decides, for one customer and in one call, which offer to make, on which channel, at which moment, or that \
silence is better.

Errors are `application/problem+json` (RFC 9457). `X-Request-Id` is echoed. Bodies are at most 1 MB."""

_CODES = {400: "malformed", 404: "not_found", 405: "method_not_allowed"}


@dataclass(frozen=True)
class Parts:
    """What a service is made of."""

    clock: Clock
    store: FeatureReader
    journal: Journal
    watch: Watch
    values: Values = field(default_factory=MemoryValues)
    """Where the live features of customers are kept; the store reads them."""
    access: Access = "open"
    keep_raw: bool = False
    forget_in_files: Callable[[Known], None] = lambda _: None
    """Removes a customer from the batch files."""
    models_dir: Path = Path("models")
    """Where the bundles of past champions lie, for replays."""
    load: Load = read_bundle
    jobs: Path | None = None
    """The folder of jobs; None: the service runs none."""
    audiences: Path = Path("audiences")
    launch: Callable[[JobId, Path], None] = lambda _, __: None
    """Starts the process of a job, whose words go into a file."""
    deadline_ms: float = 0.0
    """After which a decision is answered with what is known by then; 0: never."""


@dataclass(frozen=True)
class Staff:
    """Who does the work behind the routes of a service, and in jobs."""

    projection: Projection
    store: LiveStore
    intake: Intake
    clerk: Clerk
    reception: Reception


def create_app(settings: Settings) -> FastAPI:
    """The service of these settings. It begins to load when it is started, not before."""
    return serve(parts_of(settings))


def parts_of(settings: Settings) -> Parts:
    """The real parts of these settings."""
    clock = clock_of(settings)
    online = online_of(settings)
    journal = Journal(settings.journal_uri, settings.synchronous, settings.keep_raw)
    archive = Archive(journal, clock)
    watch = Watch(
        Listing(settings.catalogue_file, follower(clock, settings), archive.remembered, settings.origin_dir),
        Registry(settings.source_dir / "champion.json", settings.models_dir, read_bundle),
        Crowd(online.reader, clock, online.stamp),
        Attention(settings.attention_minor, settings.attention_slope_minor),
        settings.model_poll_s,
        archive.keep,
    )
    check_open(settings.access == "open", settings.host)
    return Parts(
        clock,
        online.reader,
        journal,
        watch,
        online.values,
        settings.access,
        settings.keep_raw,
        BatchFiles(settings).forget,
        settings.models_dir,
        read_bundle,
        settings.jobs_dir,
        settings.audiences_dir,
        lambda job_id, log: launch(job_id, log, variables(settings)),
        settings.deadline_ms,
    )


def staff_of(parts: Parts) -> Staff:
    """The staff that works with these parts."""
    projection = _projection(parts)
    store = LiveStore(parts.store, projection)
    intake = _intake(parts, projection)
    clerk = Clerk(parts.journal, Desk(store))
    reception = Reception(
        clerk,
        parts.clock,
        lambda: parts.watch.current,
        simulated=isinstance(parts.clock, SimulatedClock),
        receive=Welcome(intake).receive,
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


def _live(parts: Parts, intake: Intake, reception: Reception, door: Door) -> Live:
    def rehearse(customer_id: CustomerId) -> dict[str, Any]:
        request = api.DecisionRequest.model_validate({"customer_id": customer_id, "dry_run": True})
        return reception.decide(request).model_dump(by_alias=True)

    return Live(
        parts.journal,
        intake,
        Page(parts.journal, rehearse, intake.attribution.came_of),
        door,
        parts.clock,
        parts.values.forget,
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
            known = parts.store.profile(customer_id), parts.store.activity(customer_id, parts.clock.now())
            return known != (None, None)
        except UNREADABLE:
            return True

    pool = ThreadPoolExecutor(WORKERS, "send") if parts.deadline_ms else None
    deadline_s = parts.deadline_ms / 1e3
    return Sends(staff.clerk, staff.reception, parts.clock, lambda: parts.watch.current, stored, deadline_s, pool)


def serve(parts: Parts) -> FastAPI:
    """The service made of these parts."""

    staff = staff_of(parts)
    catch_up = CatchUp(staff.projection)
    office = Office(parts.jobs, parts.audiences, parts.clock, lambda: parts.watch.current, parts.launch)
    sweep = Sweep(parts.journal, parts.clock)
    punctual = Punctual(staff.reception, parts.deadline_ms)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parts.watch.start()
        parts.journal.open()
        catch_up.start()
        sweep.start()
        office.resume_all()
        yield
        punctual.close()
        sweep.stop()
        catch_up.stop()
        parts.watch.stop()
        parts.journal.close()

    app = FastAPI(
        title="Kairos",
        version=SERVICE_VERSION,
        description=ABOUT,
        lifespan=lifespan,
        redoc_url=None,
        responses={"default": _problem_response("Anything that goes wrong.")},
    )
    app.add_middleware(Envelope)
    door = Door(parts.journal, parts.access == "open")
    live = _live(parts, staff.intake, staff.reception, door)
    recall = Recall(
        parts.journal, Replay(Vault(parts.journal, parts.models_dir, parts.load)), staff.intake.attribution.came_of
    )
    _add_decisions(app, punctual, door, live.repeats, recall)
    app.include_router(routes(live))
    app.include_router(_documents(parts, staff.clerk.desk, staff.reception, door))
    app.include_router(job_routes(office, door, live.repeats))
    app.include_router(send_routes(_sends(parts, staff), door))
    outreach = Outreach(parts.journal, parts.clock, lambda: parts.watch.current)
    follow_ups = FollowUpDesk(parts.journal, parts.clock, lambda: parts.watch.current, staff.reception.decide)
    app.include_router(contact_routes.routes(outreach, follow_ups, door))
    _add_health(app, parts)
    _add_problems(app)
    _declare_problems(app)
    return app


def _add_decisions(app: FastAPI, punctual: Punctual, door: Door, repeats: Repeats, recall: Recall) -> None:
    # Plain functions run in threads: trees, SQLite and zlib let go of the interpreter's lock, and health stays quick.
    # The answer is built and checked once, by its own class: a response model would check it again.
    @app.post(
        "/v1/decisions",
        tags=["decisions"],
        response_class=Response,
        responses={200: {"model": api.Answer, "description": "The decision."}, **_REFUSALS},
    )
    def decide(request: api.DecisionRequest, authorization: Key = None, idempotency_key: Once = None) -> Response:
        """Decide for one customer: the best offers with channel, or silence."""
        by = door.admit(authorization, Scope.DECIDE)
        if idempotency_key is None or request.dry_run:
            return _json(punctual.decide(request))
        call = Call(by, idempotency_key, "/v1/decisions", request.model_dump_json(exclude_unset=True).encode())

        def work() -> Given:
            answer = punctual.decide(request)
            customers = frozenset({CustomerId(answer.customer_id)})
            return Given(answer.model_dump_json(by_alias=True), customers, answer.recorded)

        try:
            return Response(repeats.once(call, work), media_type="application/json")
        except JournalUnavailableError:
            return _json(punctual.decide(request))

    @app.get(
        "/v1/decisions/{decision_id}",
        tags=["decisions"],
        response_class=Response,
        responses={
            200: {"model": api.RecordedDecision, "description": "The decision as it was answered."},
            404: _problem_response("There is no such decision."),
            409: _problem_response("The record was changed and cannot be read any more."),
            410: _problem_response("The decision was erased with its customer."),
            503: _problem_response("The journal cannot be read."),
        },
    )
    def decided(decision_id: str, authorization: Key = None) -> Response:
        """A recorded decision, with what the models saw of each item, and what came of it."""
        door.admit(authorization, Scope.READ)
        return _json(recall.decided(decision_id))

    @app.post(
        "/v1/decisions/{decision_id}/replay",
        tags=["decisions"],
        response_class=Response,
        responses={
            200: {"model": api.Replayed, "description": "What came of making it again."},
            404: _problem_response("There is no such decision."),
            409: _problem_response("Something that it was made with is not kept any more."),
            410: _problem_response("The decision was erased with its customer."),
            503: _problem_response("The journal cannot be read."),
        },
    )
    def replay(decision_id: str, authorization: Key = None) -> Response:
        """Make a past decision again from its record and the versions kept, and hold it against what was answered."""
        door.admit(authorization, Scope.READ)
        return _json(recall.replay(decision_id))


def _add_health(app: FastAPI, parts: Parts) -> None:
    @app.get("/health/live", tags=["service"])
    async def live() -> api.Health:
        """The process answers."""
        return api.Health(status="live")

    @app.get("/health/ready", tags=["service"], responses={503: _problem_response("Something is missing.")})
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

    @app.get("/version", tags=["service"])
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


def _add_problems(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        headers = {"Retry-After": "1"} if error.status == 503 else {}
        return _problem(request, error.status, error.code, error.detail, *error.faults, **headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        if found[0]["loc"][0] == "body" and not is_json(request.headers.get("content-type", "")):
            detail = "The body must be JSON: send it with the header Content-Type: application/json."
            return _problem(request, 415, "unsupported_media_type", detail)
        if any(fault["type"] == "json_invalid" for fault in found):
            return _problem(request, 400, "malformed", "The body is not JSON: check quotes, commas and brackets.")
        faults = [Fault(pointer=pointer(fault["loc"][1:]), detail=fault["msg"]) for fault in found]
        detail = "The request is well-formed JSON, but not what this call takes: " + "; ".join(
            f"{fault.pointer or 'the body'}: {fault.detail}" for fault in faults[:3]
        )
        return _problem(request, 422, "invalid_request", f"{detail}.", *faults)

    @app.exception_handler(HTTPException)
    async def refused_by_framework(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "refused")
        return _problem(request, error.status_code, code, str(error.detail), **dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        detail = "The service failed at something it should not fail at; its log says at what."
        request_id = request.state.request_id
        return _problem(request, 500, "internal_error", detail, **{"X-Request-Id": request_id})


def _declare_problems(app: FastAPI) -> None:
    """Problems have a media type of their own, which FastAPI cannot be told of a model."""
    for path in app.openapi()["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    response["content"] = {"application/problem+json": response["content"].pop("application/json")}


def _problem(request: Request, status: int, code: str, detail: str, *faults: Fault, **headers: str) -> Response:
    body = problem(status, code, detail, request.state.request_id, faults)
    return Response(body, status, headers, "application/problem+json")


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _problem_response(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem}


_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: _problem_response("The body is not JSON."),
    413: _problem_response("The body is larger than 1 MB."),
    415: _problem_response("The body is not declared as JSON."),
    422: _problem_response("The body is JSON, but not what this call takes."),
}

"""The routes of events and customers."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response

from features.domain import CustomerId, DecisionId
from serving import live_api as api
from serving.call import NO_KEY, Key, Once, Refusals, refusal, success, told
from serving.errand import errand
from serving.events.native import FIELDS
from serving.identity.namespace import CUSTOMER
from serving.journal.keys import Scope
from serving.live import Live
from serving.repeats import Call, Given

T = TypeVar("T")
EVENTS_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    {"type": "object", "description": "One event, or an object with `events` or (Segment) `batch`."},
                    {"type": "array", "items": {"type": "object"}, "maxItems": 500},
                ]
            },
            "examples": {
                "native": {
                    "summary": f"Kairos's own form: {', '.join(sorted(FIELDS))}; other fields are kept.",
                    "value": {
                        "events": [
                            {
                                "source": "till-3",
                                "event_id": "4711-1",
                                "identities": [{"namespace": "card", "value": "900123"}],
                                "kind": "purchased",
                                "channel": "in_store_display",
                                "category": "yogurt",
                                "value_minor": 399,
                            }
                        ]
                    },
                },
                "cloudevents": {
                    "summary": "CloudEvents 1.0, structured or a batch of them.",
                    "value": {
                        "specversion": "1.0",
                        "id": "4711-2",
                        "source": "/till/3",
                        "type": "org.example.purchased",
                        "subject": "card:900123",
                        "data": {"channel": "in_store_display", "value_minor": 399},
                    },
                },
                "segment": {
                    "summary": "Segment's identify, track, alias, page and screen.",
                    "value": {"type": "identify", "messageId": "4711-3", "userId": "1228", "anonymousId": "a-17"},
                },
            },
        }
    },
}


_NOBODY: Refusals = {
    404: refusal("Nobody is known by this name."),
    422: refusal("The request is not what this call takes."),
    **NO_KEY,
}


def routes(live: Live) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter()
    _add_events(router, live)
    _add_customers(router, live)
    _add_rights(router, live)
    return router


async def _do(live: Live, key: str | None, scope: Scope, work: Any) -> Any:
    return await errand(live.door, key, scope, work)


def _text(answer: str) -> Response:
    return Response(answer, media_type="application/json")


def _given(answer: api.EventsAnswer) -> Given:
    customers = frozenset(CustomerId(item.customer_id) for item in answer.items if item.customer_id is not None)
    return Given(answer.model_dump_json(), customers)


def _add_events(router: APIRouter, live: Live) -> None:
    @router.post(
        "/v1/events",
        tags=["events"],
        response_class=Response,
        openapi_extra={"requestBody": EVENTS_BODY},
        responses={
            200: {"model": api.EventsAnswer, "description": "An answer per item."},
            400: refusal("The body is not JSON."),
            413: refusal("The body is larger than 1 MB, or holds more than 500 events."),
            422: refusal("The body is JSON, but no batch of events."),
            **NO_KEY,
        },
    )
    async def take(request: Request, authorization: Key = None, idempotency_key: Once = None) -> Response:
        """Take events in: native, CloudEvents 1.0 or Segment. Each counts once, by source and id."""
        body = await request.body()

        def work(by: str) -> str:
            call = Call(by, idempotency_key, "/v1/events", body)
            return live.repeats.once(call, lambda: _given(live.events(body, by)))

        return _text(await _do(live, authorization, Scope.EVENTS, work))

    @router.post(
        "/v1/decisions/{decision_id}/outcomes",
        tags=["events"],
        response_class=Response,
        responses={
            200: {"model": api.EventsAnswer, "description": "An answer per outcome."},
            404: refusal("There is no such decision."),
            410: refusal("The decision was erased with its customer."),
            422: refusal("An outcome that cannot be one of this decision."),
            **NO_KEY,
        },
    )
    async def outcomes(
        decision_id: str, told: api.Outcomes, authorization: Key = None, idempotency_key: Once = None
    ) -> Response:
        """Say what came of a decision, for callers that know nothing but the decision."""

        def work(by: str) -> str:
            body = told.model_dump_json(exclude_unset=True).encode()
            call = Call(by, idempotency_key, f"/v1/decisions/{decision_id}/outcomes", body)
            return live.repeats.once(call, lambda: _given(live.outcomes(DecisionId(decision_id), told, by)))

        return _text(await _do(live, authorization, Scope.EVENTS, work))


def _add_customers(router: APIRouter, live: Live) -> None:
    @router.post(
        "/v1/customers/lookup",
        tags=["customers"],
        response_class=Response,
        responses={200: success(api.CustomerPage, "The customer's page."), **_NOBODY},
    )
    async def lookup(wanted: api.Lookup, authorization: Key = None) -> Response:
        """Find a customer by any name, such as a telephone number."""

        def work(_: str) -> api.CustomerPage:
            return live.customer(live.name(wanted.namespace, wanted.value), None)

        return told(await _do(live, authorization, Scope.READ, work))

    @router.get(
        "/v1/customers/{customer_id}",
        tags=["customers"],
        response_class=Response,
        responses={200: success(api.CustomerPage, "The customer's page."), **_NOBODY},
    )
    async def customer(customer_id: str, cursor: str | None = None, authorization: Key = None) -> Response:
        """The page of one customer for people who talk to customers."""

        def work(_: str) -> api.CustomerPage:
            return live.customer(live.name(CUSTOMER, customer_id), cursor)

        return told(await _do(live, authorization, Scope.READ, work))

    @router.post(
        "/v1/customers/{customer_id}/split",
        tags=["customers"],
        response_class=Response,
        responses={
            200: {"model": api.SplitAnswer, "description": "Whose the names are now."},
            409: refusal("The names are not the customer's, or none would stay."),
            **_NOBODY,
        },
    )
    async def split(customer_id: str, wanted: api.Split, authorization: Key = None) -> Response:
        """Set names of a customer apart that belong to somebody else; exact, and for good."""
        work = _do(live, authorization, Scope.ADMIN, lambda by: live.split(customer_id, wanted, by))
        return told(await work)


def _add_rights(router: APIRouter, live: Live) -> None:
    @router.post(
        "/v1/customers/{customer_id}/consents",
        tags=["rights"],
        response_class=Response,
        responses={200: success(list[api.ConsentHeld], "The statements that hold."), **_NOBODY},
    )
    async def consent(customer_id: str, statement: api.ConsentStatement, authorization: Key = None) -> Response:
        """Record a consent, a withdrawal or an objection; it holds from the next decision on."""
        held: list[api.ConsentHeld] = await _do(
            live, authorization, Scope.EVENTS, lambda by: live.consent(customer_id, statement, by)
        )
        return told(held)

    @router.get("/v1/customers/{customer_id}/export", tags=["rights"], response_model=dict[str, Any], responses=_NOBODY)
    async def export(customer_id: str, authorization: Key = None) -> dict[str, Any]:
        """Everything that is held of a customer, as JSON."""
        held: dict[str, Any] = await _do(live, authorization, Scope.ADMIN, lambda _: live.export(customer_id))
        return held

    @router.delete(
        "/v1/customers/{customer_id}",
        tags=["rights"],
        response_class=Response,
        responses={200: {"model": api.Erasure, "description": "What went."}, **_NOBODY},
    )
    async def erase(customer_id: str, authorization: Key = None) -> Response:
        """Erase a customer: names, events, decisions, features."""
        return told(await _do(live, authorization, Scope.ADMIN, lambda by: live.erase(customer_id, by)))

"""What is answered past the framework is answered as by the documented route."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from serving.api import DecisionRequest
from serving.envelope import MAX_BODY, Message, Receive, Scope, Send
from serving.later import Later, failed, there
from serving.letter import Letter
from serving.problem import RefusalError
from serving.straight import Straight

Clients = Callable[..., TestClient]
ANN = {"customer_id": "ann", "kind": "promotion", "seed": 1, "dry_run": True}
JSON = {"content-type": "application/json"}
PLAIN = {"content-type": "application/json; version=1"}
"""No ordinary header: it takes the documented route."""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"customer_id": 1}',
        b'{"customer_id": "ann", "limit": 0}',
        b'{"customer_id": "ann", "limit": 10.0}',
        b'{"customer_id": "ann", "nobody": "knows"}',
        b'{"customer_id": "ann", "kind": "none such"}',
        b'{"customer_id": "ann", "channels": ["none such", "mailer"]}',
        b'{"customer_id": "ann", "seed": 1}',
        b'{"customer_id": "ann", "at": "2017-10-01T12:00:00"}',
        b'{"kind": "promotion"}',
        b'{"customer_id": "ann", "customer_id": "bob", "dry_run": true, "seed": 3}',
        b'{"customer_id": "\xff"}',
        b"{" + b" " * MAX_BODY + b"}",
    ],
)
def test_whatever_is_wrong_is_refused_alike(client: Clients, body: bytes) -> None:
    service = client()
    told = [
        service.post("/v1/decisions", content=body, headers=headers | {"x-request-id": "r"})
        for headers in (JSON, PLAIN)
    ]
    assert told[0].status_code == told[1].status_code
    assert {**told[0].json(), "timings_ms": None, "decision_id": None} == {
        **told[1].json(),
        "timings_ms": None,
        "decision_id": None,
    }
    assert {told[0].headers[name] for name in ("content-type", "x-request-id")} == {
        told[1].headers[name] for name in ("content-type", "x-request-id")
    }


def test_an_ordinary_answer_is_the_same_either_way_but_for_its_number_and_its_times(client: Clients) -> None:
    service = client()
    told = [service.post("/v1/decisions", json=ANN, headers=headers) for headers in (JSON, PLAIN)]
    assert [each.status_code for each in told] == [200, 200]
    own = ("decision_id", "timings_ms")
    one, other = ({name: value for name, value in each.json().items() if name not in own} for each in told)
    assert one == other
    assert all(each.headers["content-length"] == str(len(each.content)) for each in told)


def test_each_request_has_an_id_of_its_own_unless_the_caller_gives_it_one(client: Clients) -> None:
    service = client()
    ids = {service.post("/v1/decisions", json=ANN).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20
    mine = service.post("/v1/decisions", json=ANN, headers={"x-request-id": "mine-1"})
    assert mine.headers["x-request-id"] == "mine-1"
    wrong = service.post("/v1/decisions", json=ANN, headers={"x-request-id": "x" * 129})
    assert wrong.headers["x-request-id"] != "x" * 129


@given(st.lists(st.integers(1, 60), max_size=8))
def test_a_body_that_comes_in_parts_is_handed_on_as_it_came(cuts: list[int]) -> None:
    body, parts = json.dumps(ANN).encode(), []
    for cut in cuts:
        parts.append(body[:cut])
        body = body[cut:]
    parts.append(body)
    sent, handed = _asked(parts)
    if len(parts) > 1:
        assert handed == b"".join(parts)
    else:
        assert sent[0]["status"] == 200


def test_what_is_refused_or_fails_is_told_and_a_failure_is_raised_again() -> None:
    body = [json.dumps(ANN).encode()]
    sent, _ = _asked(body, RefusalError(422, "some_code", "Not so."))
    assert sent[0]["status"] == 422
    assert json.loads(sent[1]["body"])["code"] == "some_code"
    sent, _ = _asked(body, ZeroDivisionError())
    assert sent[0]["status"] == 500


def _asked(parts: list[bytes], error: Exception | None = None) -> tuple[list[Any], bytes]:
    """What was sent, and the body that was handed on."""
    messages = [
        {"type": "http.request", "body": part, "more_body": place < len(parts) - 1} for place, part in enumerate(parts)
    ]
    sent, handed = list[Any](), bytearray()

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def rest(_: Scope, receive: Receive, __: Send) -> None:
        while (message := await receive()).get("more_body"):
            handed.extend(message["body"])
        handed.extend(message["body"])

    def failing(error: Exception) -> Callable[[Scope, Receive, Send], Any]:
        async def fail(scope: Scope, _: Receive, send: Send) -> None:
            assert scope["state"]["request_id"]
            await send({"type": "http.response.start", "status": 500, "headers": []})

        return fail

    class Deciding:
        async def decide_soon(self, _: DecisionRequest) -> Letter:
            if error is not None:
                raise error
            return Letter(b'{"t":', {})

        def decide_then(self, _: DecisionRequest, then: Callable[[Later[Letter]], object]) -> None:
            then(there(Letter(b'{"t":', {})) if error is None else failed(error))

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    asyncio.run(Straight(rest, failing, None, Deciding())(scope, receive, send))
    return sent, bytes(handed)

"""Ordinary decision requests, past the framework: read, decided and answered in one step.

Whatever is out of the ordinary takes the documented route, which answers the same: bodies that are not what the call
takes or come in parts, and calls under an ``Idempotency-Key``. Stands in front of the application. Plain ASGI; where
uvicorn serves it, see ``line``, not even that.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from serving.api import DecisionRequest
from serving.envelope import MAX_BODY, App, Receive, Scope, Send, replayed, request_id_of
from serving.later import Later
from serving.letter import Letter
from serving.problem import RefusalError, refused

PATH = "/v1/decisions"
Admit = Callable[[str | None], Awaitable[None]]
"""Lets a caller with this ``Authorization`` in, or raises RefusalError."""
Fail = Callable[[Exception], App]
"""Answers for what nobody caught, and raises it again."""
Told = tuple[str | None, bytes]
"""The ``Authorization`` of an ordinary call, and the id that the caller gave it."""
Headers = list[tuple[bytes, bytes]]


class Decides(Protocol):
    """Decides what is asked, for the event loop that runs."""

    async def decide_soon(self, request: DecisionRequest) -> Letter:
        """The answer, or RefusalError."""
        ...

    def decide_then(self, request: DecisionRequest, then: Callable[[Later[Letter]], object]) -> None:
        """Have this called by the loop with the answer, once it has come or failed."""
        ...


class Straight:
    """Answers what is ordinary, and hands on everything else as it came."""

    def __init__(self, app: App, fail: Fail, admit: Admit | None, decisions: Decides) -> None:
        """Without ``admit`` everybody is let in."""
        self._app = app
        self.fail, self.admit, self.decisions = fail, admit, decisions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        told = ordinary(scope["headers"])
        if told is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        request = None if message.get("more_body") else read(message.get("body", b""))
        if request is None:
            await self._app(scope, replayed(message, receive), send)
            return
        key, given = told
        request_id = request_id_of(given)
        status, headers = 200, JSON
        try:
            if self.admit is not None:
                await self.admit(key)
            text = (await self.decisions.decide_soon(request)).text
        except RefusalError as error:
            status, headers, text = refusal(error, request_id)
        except Exception as error:
            scope.setdefault("state", {})["request_id"] = request_id
            await self.fail(error)(scope, receive, send)
            return
        headers = [*headers, (b"content-length", b"%d" % len(text)), (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


JSON: Headers = [(b"content-type", b"application/json")]
_JSON = re.compile(rb"application/json(; ?charset=utf-8)?", re.IGNORECASE)
_SHORTEST = len("content-type")
"""Of the names that tell something: shorter ones are passed over."""
_LARGE = len(str(MAX_BODY))
"""Digits of a length that may be too great."""


def ordinary(headers: Iterable[tuple[bytes, bytes]]) -> Told | None:
    """What the headers of an ordinary call tell, by their names in lower case; None for others."""
    kind, key, given = None, None, b""
    for name, value in headers:
        if len(name) < _SHORTEST:
            continue
        if name == b"content-type":
            if kind is not None:  # the documented route knows which of them counts
                return None
            kind = value
        elif name == b"content-length":
            if len(value) >= _LARGE:
                return None
        elif name == b"authorization":
            if key is not None:
                return None
            key = value.decode("latin-1")
        elif name == b"idempotency-key":
            return None
        elif name == b"x-request-id":
            given = value
    return (key, given) if kind == b"application/json" or (kind and _JSON.fullmatch(kind)) else None


def read(body: bytes) -> DecisionRequest | None:
    """The request; None where the documented route has to say what is wrong with it."""
    if len(body) > MAX_BODY:
        return None
    try:
        return DecisionRequest.model_validate_json(body)
    except ValueError:
        return None


def refusal(error: RefusalError, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of the answer to a call that is refused."""
    status, headers, text = refused(error, request_id)
    return status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], text

"""Ordinary decision requests, past the framework: read, decided and answered in one step.

Whatever is out of the ordinary takes the documented route, which answers the same: bodies that are not what the call
takes or come in parts, and calls under an ``Idempotency-Key``. Stands in front of the application. Plain ASGI.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from serving.api import DecisionRequest
from serving.envelope import MAX_BODY, App, Receive, Scope, Send, replayed, request_id_of
from serving.letter import Letter
from serving.problem import RefusalError, refused

PATH = "/v1/decisions"
Admit = Callable[[str | None], Awaitable[None]]
"""Lets a caller with this ``Authorization`` in, or raises RefusalError."""
Decide = Callable[[DecisionRequest], Awaitable[Letter]]
Fail = Callable[[Exception], App]
"""Answers for what nobody caught, and raises it again."""


class Straight:
    """Answers what is ordinary, and hands on everything else as it came."""

    def __init__(self, app: App, fail: Fail, admit: Admit | None, decide: Decide) -> None:
        """Without ``admit`` everybody is let in."""
        self._app, self._fail, self._admit, self._decide = app, fail, admit, decide

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        ordinary, key, given = _headers(scope["headers"])
        if not ordinary or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        request = None if message.get("more_body") else _read(message.get("body", b""))
        if request is None:
            await self._app(scope, replayed(message, receive), send)
            return
        request_id = request_id_of(given)
        status, told = 200, _JSON
        try:
            if self._admit is not None:
                await self._admit(key)
            text = (await self._decide(request)).text
        except RefusalError as error:
            status, told, text = _refused(error, request_id)
        except Exception as error:
            scope.setdefault("state", {})["request_id"] = request_id
            await self._fail(error)(scope, receive, send)
            return
        headers = [*told, (b"content-length", b"%d" % len(text)), (b"x-request-id", request_id.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


_JSON = [(b"content-type", b"application/json")]


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bool, str | None, bytes]:
    """Whether the call is ordinary by its headers, its ``Authorization`` and the id that the caller gave it."""
    ordinary, key, given = False, None, b""
    for name, value in headers:
        if name == b"content-type":
            ordinary = value == b"application/json"
        elif name == b"idempotency-key":
            return False, None, b""
        elif name == b"authorization":
            key = value.decode("latin-1")
        elif name == b"x-request-id":
            given = value
    return ordinary, key, given


def _read(body: bytes) -> DecisionRequest | None:
    """The request; None where the documented route has to say what is wrong with it."""
    if len(body) > MAX_BODY:
        return None
    try:
        return DecisionRequest.model_validate_json(body)
    except ValueError:
        return None


def _refused(error: RefusalError, request_id: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    status, headers, text = refused(error, request_id)
    return status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], text

"""Ordinary decision requests, past the framework: read, decided and answered in one step.

Whatever is out of the ordinary takes the documented route, which answers the same: bodies that are not what the call
takes, and calls under an ``Idempotency-Key``. Stands in front of the application and inside ``Envelope``, which has
read the body. Plain ASGI.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from serving.answer_api import Answer
from serving.api import DecisionRequest
from serving.envelope import App, Receive, Scope, Send, replayed
from serving.problem import RefusalError, refused

PATH = "/v1/decisions"
Admit = Callable[[str | None], Awaitable[None]]
"""Lets a caller with this ``Authorization`` in, or raises RefusalError."""
Decide = Callable[[DecisionRequest], Awaitable[Answer]]


class Straight:
    """Answers what is ordinary, and hands on everything else."""

    def __init__(self, app: App, admit: Admit, decide: Decide) -> None:
        self._app, self._admit, self._decide = app, admit, decide

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body: bytes = (await receive())["body"]
        ordinary, key = _headers(scope["headers"])
        request = _read(body) if ordinary else None
        if request is None:
            await self._app(scope, replayed(body, receive), send)
            return
        status, told = 200, _JSON
        try:
            await self._admit(key)
            text = (await self._decide(request)).text
        except RefusalError as error:
            status, given, text = refused(error, scope["state"]["request_id"])
            told = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        headers = [*told, (b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})


_JSON = [(b"content-type", b"application/json")]


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bool, str | None]:
    """Whether the call is ordinary by its headers, and its ``Authorization``."""
    ordinary, key = False, None
    for name, value in headers:
        if name == b"content-type":
            ordinary = value == b"application/json"
        elif name == b"idempotency-key":
            return False, None
        elif name == b"authorization":
            key = value.decode("latin-1")
    return ordinary, key


def _read(body: bytes) -> DecisionRequest | None:
    """The request; None where the documented route has to say what is wrong with it."""
    try:
        return DecisionRequest.model_validate_json(body)
    except ValueError:
        return None

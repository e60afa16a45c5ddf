"""What holds for every request before it is understood: its id and its size. Plain ASGI, no framework."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from serving.problem import problem

MAX_BODY = 1_000_000
"""Bytes of a request's body."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WELL_FORMED = re.compile(rb"[!-~]{1,128}")


class Envelope:
    """Gives every answer its ``X-Request-Id``, and refuses bodies that are too large."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        if "request_id" in state:  # it came through another one
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = request_id_of(headers.get(b"x-request-id", b""))
        state["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send_with_id)
            return
        body = await _read(receive, headers.get(b"content-length", b""))
        if body is None:
            detail = f"The body is larger than {MAX_BODY:,} bytes: send less, or in several requests."
            await _refuse(send_with_id, problem(413, "body_too_large", detail, request_id))
            return
        whole = {"type": "http.request", "body": body, "more_body": False}
        await self._app(scope, replayed(whole, receive), send_with_id)


def request_id_of(given: bytes) -> str:
    """The id that a request came with, where it is one; else a new one."""
    return given.decode() if given and _WELL_FORMED.fullmatch(given) else os.urandom(10).hex()


def is_json(content_type: str) -> bool:
    """True for ``application/json`` and its kin, whatever parameters follow."""
    kind = content_type.split(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


async def _read(receive: Receive, declared: bytes) -> bytes | None:
    """The whole body; None as soon as it is too large."""
    if declared.isdigit() and int(declared) > MAX_BODY:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def replayed(message: Message, receive: Receive) -> Receive:
    """Receives a message that was read, and then what follows it."""
    messages = iter([message])

    async def replay() -> Message:
        return next(messages, None) or await receive()

    return replay


async def _refuse(send: Send, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        # What remains of the request is not read, so the connection cannot be used again.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})

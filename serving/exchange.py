"""An ordinary decision call under way on a connection of uvicorn's, which takes it for a cycle of its own."""

from __future__ import annotations

from asyncio import CancelledError, Event
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.api import DecisionRequest
from serving.envelope import Message, Scope, request_id_of
from serving.later import Later
from serving.latest import Latest
from serving.letter import Letter
from serving.problem import RefusalError
from serving.straight import JSON, PATH, Admit, Headers, Straight, Told, refusal

_BARE: Headers = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"21"),
    (b"connection", b"close"),
]


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_DEFAULT = Latest(_lines)
"""Of the headers of all answers; they change with the second."""
_OK = b"HTTP/1.1 200 OK\r\n%b" + _lines(JSON) + b"content-length: %d\r\nx-request-id: %b\r\n%b\r\n%b"


class Exchange:
    """One call, from its request to its answer. All of it runs in the event loop."""

    __slots__ = ("_key", "_line", "_request_id", "_straight", "disconnected", "keep_alive", "response_complete")

    message_event = Event()
    """Nobody waits for it: the request has come as a whole."""

    def __init__(self, line: HttpToolsProtocol, straight: Straight, told: Told, keep_alive: bool) -> None:
        """``keep_alive`` tells whether the connection is for another call after this one."""
        self._line, self._straight = line, straight
        self._key, given = told
        self._request_id = request_id_of(given)
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def begin(self, request: DecisionRequest) -> None:
        """Have it decided and answered."""
        if self._straight.admit is None:
            self._decide(request)
        else:
            self._soon(self._admitted(self._straight.admit, request))

    def cancel(self, msg: str | None = None) -> None:
        """See asyncio.Task: the service ends before there is an answer."""
        self._line.loop.call_soon(self._fail, CancelledError(msg))

    def _soon(self, rest: Coroutine[Any, Any, None]) -> None:
        """Have the loop do what takes longer; it is waited for as any request is."""
        task = self._line.loop.create_task(rest)
        self._line.tasks.add(task)
        task.add_done_callback(self._line.tasks.discard)

    async def _admitted(self, admit: Admit, request: DecisionRequest) -> None:
        try:
            await admit(self._key)
        except BaseException as error:
            self._fail(error)
        else:
            self._decide(request)

    def _decide(self, request: DecisionRequest) -> None:
        self._line.tasks.add(self)  # type: ignore[arg-type]
        try:
            self._straight.decisions.decide_then(request, self._hear)
        except Exception as error:
            self._fail(error)

    def _hear(self, found: Later[Letter]) -> None:
        try:
            text = found.result().text
        except BaseException as error:
            self._fail(error)
            return
        close = b"" if self.keep_alive else b"connection: close\r\n"
        default = _DEFAULT.of(self._line.server_state.default_headers)
        self._send(_OK % (default, len(text), self._request_id.encode(), close, text))

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, RefusalError):
            status, headers, text = refusal(error, self._request_id)
            own = [(b"content-length", b"%d" % len(text)), (b"x-request-id", self._request_id.encode())]
            self._send(self._written(status, [*headers, *own], text))
        else:
            self._soon(self._fall(error))

    async def _fall(self, error: BaseException) -> None:
        """Answer for what nobody caught, as the application does; where that fails too, as uvicorn does."""
        told: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            told.append(message)

        state = {"request_id": self._request_id}
        scope: Scope = {"type": "http", "method": "POST", "path": PATH, "headers": [], "state": state}
        try:
            if not isinstance(error, Exception):
                raise error
            await self._straight.fail(error)(scope, receive, send)
        except BaseException as raised:
            self._line.logger.error("Exception in ASGI application\n", exc_info=raised)
        if told:
            status, headers = told[0]["status"], told[0]["headers"]
            answer = self._written(status, headers, b"".join(message.get("body", b"") for message in told))
        else:
            answer = self._written(500, _BARE, b"Internal Server Error")
        await self._drained(answer)
        self._line.transport.close()

    def _written(self, status: int, headers: Headers, text: bytes) -> bytes:
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        told = [*self._line.server_state.default_headers, *headers]
        if not self.keep_alive and (b"connection", b"close") not in headers:
            told.append((b"connection", b"close"))
        return b"%b%b\r\n%b" % (line, _lines(told), text)

    def _send(self, answer: bytes) -> None:
        """Send it as soon as the caller takes it."""
        if self._line.flow.write_paused:
            self._soon(self._drained(answer))
        else:
            self._write(answer)

    async def _drained(self, answer: bytes) -> None:
        await self._line.flow.drain()
        self._write(answer)

    def _write(self, answer: bytes) -> None:
        line = self._line
        line.tasks.discard(self)
        if self.response_complete or line.transport.is_closing():  # what came after this call may have ended the line
            return
        line.transport.write(answer)
        self.response_complete = True
        if not self.keep_alive:
            line.transport.close()
        line.on_response_complete()

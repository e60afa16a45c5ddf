"""A connection on which ordinary decisions are answered past ASGI: no scope, no messages, no task.

uvicorn's own protocol reads and answers everything else on it, and sees an ordinary call as one of its own: one that is
under way is waited for when the service is stopped, and what comes after it on the connection waits for its turn.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any

from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from serving.envelope import MAX_BODY
from serving.exchange import Exchange
from serving.front import Fronted
from serving.straight import PATH, Straight, Told, ordinary, read

_PATH = PATH.encode()
_HOOKS = (
    *("app_state", "config", "connections", "cycle", "expect_100_continue", "flow", "headers", "logger", "loop"),
    *("on_response_complete", "parser", "pipeline", "server_state", "tasks", "transport"),
)
"""What this and ``exchange`` rely on in uvicorn's protocol, beside the callbacks of the parser."""


class Line(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._straight = self._front()
        self._told: Told | None = None
        """Of the ordinary call whose headers have come, and its body not yet."""
        self._n_headers = 0
        """How many those are; what follows its body comes to them."""
        self._body: bytes | bytearray = b""

    def _front(self) -> Straight | None:
        """What answers ordinary calls; None where all are to go the documented way."""
        if not all(hasattr(self, name) for name in _HOOKS):
            return None
        config = self.config
        # Not asked of the logger, as uvicorn does: who listens to a log that is off changes nothing.
        if config.access_log or config.root_path or config.limit_concurrency is not None:
            return None
        app = config.loaded_app
        if isinstance(app, ProxyHeadersMiddleware):  # it tells who calls, and nobody asks
            app = app.app
        front = app.in_front(PATH) if isinstance(app, Fronted) else None
        return front if isinstance(front, Straight) else None

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        super().data_received(data)
        if len(self._body) > MAX_BODY:  # the application says so, before all of it has come
            self._hand_on()

    def shutdown(self) -> None:
        """See uvicorn: a call whose body is still to come is waited for as any other."""
        if self._told is not None:
            self._hand_on()
        super().shutdown()

    def on_message_begin(self) -> None:
        """See httptools."""
        if self._straight is None:
            super().on_message_begin()
        else:
            self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """See httptools."""
        parser = self.parser
        if self._straight is None:
            super().on_headers_complete()
        elif (
            self.url != _PATH
            or parser.get_method() != b"POST"
            or self.expect_100_continue
            or parser.should_upgrade()
            or not (self.cycle is None or self.cycle.response_complete)
            or (told := ordinary(self.headers)) is None
        ):
            self._begin()
        else:
            self._told, self._body, self._n_headers = told, bytearray(), len(self.headers)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        if self._told is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._told is None or self._straight is None:
            super().on_message_complete()
        elif (request := read(bytes(self._body))) is None:
            self._hand_on()
            super().on_message_complete()
        else:
            told, self._told, self._body = self._told, None, b""
            keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
            self.cycle = exchange = Exchange(self, self._straight, told, keep_alive)  # type: ignore[assignment]
            exchange.begin(request)

    def _begin(self) -> None:
        """Let uvicorn begin with a request whose headers have come."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers.extend(headers)
        super().on_headers_complete()

    def _hand_on(self) -> None:
        """Let uvicorn go on with a call that was taken for an ordinary one."""
        body, self._told, self._body = bytes(self._body), None, b""
        self.expect_100_continue = False
        del self.headers[self._n_headers :]
        self._begin()
        if body:
            super().on_body(body)

"""A small service whose decisions are made by a stand-in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread
from typing import Any, cast

import uvicorn
from fastapi import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.__main__ import QUICK
from serving.api import DecisionRequest
from serving.briefing import Due
from serving.call import Key
from serving.envelope import App, Envelope, Receive, Scope, Send
from serving.front import Fronted
from serving.later import Later, there
from serving.letter import Letter
from serving.line import Line
from serving.problem import RefusalError
from serving.problem_handlers import add_problems
from serving.progress import Progress
from serving.punctual import Punctual
from serving.reception import Reception
from serving.straight import PATH, Straight

WAYS = (HttpToolsProtocol, Line)
PATIENCE_S = 10.0
LONG = 8_000_000
"""Bytes of an answer that does not go out at once."""


class Hall:
    """Stands in for a reception: what is asked of whom decides what comes of it."""

    def __init__(self) -> None:
        self.go_on, self.asked = Event(), list[str]()

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def hurry(self) -> None:
        pass

    def brief(self, dues: list[Due]) -> None:
        pass

    def decide_soon(self, request: DecisionRequest, progress: Progress) -> Later[Letter]:
        who = request.customer_id or ""
        self.asked.append(who)
        match who:
            case "refused":
                raise RefusalError(422, "unknown_kind", "There is no such kind.")
            case "busy":
                raise RefusalError(503, "journal_unavailable", "Later.")
            case "broken":
                raise ZeroDivisionError("broken")
            case "worse":
                raise GeneratorExit("worse")
            case "held":
                self.go_on.wait(PATIENCE_S)
            case "long":
                return there(Letter(b'{"a":"%b","t":' % (b"x" * LONG), {}))
        return there(Letter(b'{"customer_id":"%b","t":' % who.encode(), {"total": 1.0}))


class Noting(Fronted):
    """An application that notes what comes to it."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = list[str]()
        """Paths."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.noted.append(scope["path"])
        await super().__call__(scope, receive, send)


class House:
    """A service, and how it goes. Its documented route decides as what stands in front of it does."""

    def __init__(
        self,
        http: type[HttpToolsProtocol],
        keyed: bool = False,
        around: Callable[[App], App] = lambda app: app,
        **more: Any,
    ) -> None:
        self.hall, self.keys = Hall(), list[str | None]()
        self.punctual = Punctual(cast(Reception, self.hall), 0.0)
        app = self.app = Noting()
        add_problems(app)
        app.add_middleware(Envelope)

        async def admit(key: str | None) -> None:
            self.keys.append(key)
            if key == "broken":
                raise ZeroDivisionError
            if key != "good":
                raise RefusalError(401, "key_invalid", "This key is unknown.")

        @app.api_route(PATH, methods=["POST", "PUT"])
        async def documented(body: DecisionRequest, authorization: Key = None) -> Response:
            if keyed:
                await admit(authorization)
            text = (await self.punctual.decide_soon(body)).text
            return Response(text, headers={"content-type": "application/json"})

        @app.get("/end")
        async def end() -> Response:
            return Response("end")

        app.put_in_front(PATH, lambda rest, fail: Straight(rest, fail, admit if keyed else None, self.punctual))
        told = {**QUICK, "http": http, "log_level": "critical", "port": 0, **more}
        self.server = uvicorn.Server(uvicorn.Config(around(app), **told))

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    @property
    def short(self) -> bool:
        """True where nothing that was asked about decisions came to the application."""
        return PATH not in self.app.noted

    def stop(self) -> None:
        self.server.should_exit = True


@contextmanager
def house(http: type[HttpToolsProtocol], **more: Any) -> Iterator[House]:
    found = House(http, **more)
    thread = Thread(target=found.server.run)
    thread.start()
    until(lambda: found.server.started)
    try:
        yield found
    finally:
        found.hall.go_on.set()
        found.stop()
        thread.join(PATIENCE_S)
        found.punctual.close()
        assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)

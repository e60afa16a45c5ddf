"""What is answered past ASGI is answered byte for byte as uvicorn's own protocol has it answered."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from threading import Event, Thread
from typing import Any, cast

import pytest
import uvicorn
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.__main__ import QUICK
from serving.api import DecisionRequest
from serving.briefing import Due
from serving.envelope import MAX_BODY, Envelope
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
END = b"GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
"""The last request on a connection: whatever is answered has come when the connection ends."""


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


class House:
    """A service, and how it goes."""

    def __init__(self, http: type[HttpToolsProtocol], keyed: bool, **more: Any) -> None:
        self.hall, self.plain, self.keys = Hall(), list[bytes](), list[str | None]()
        self.punctual = Punctual(cast(Reception, self.hall), 0.0)
        app = self.app = Fronted()
        add_problems(app)
        app.add_middleware(Envelope)

        @app.api_route(PATH, methods=["POST", "PUT"])
        async def documented(body: DecisionRequest, request: Request) -> PlainTextResponse:
            self.plain.append(await request.body())
            return PlainTextResponse(f"documented {body.customer_id}")

        @app.get("/end")
        async def end() -> PlainTextResponse:
            return PlainTextResponse("end")

        async def admit(key: str | None) -> None:
            self.keys.append(key)
            if key == "broken":
                raise ZeroDivisionError
            if key != "good":
                raise RefusalError(401, "key_invalid", "This key is unknown.")

        app.put_in_front(PATH, lambda rest, fail: Straight(rest, fail, admit if keyed else None, self.punctual))
        config = uvicorn.Config(app, **{**QUICK, "http": http, "log_level": "critical", "port": 0, **more})
        self.server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    def stop(self) -> None:
        self.server.should_exit = True


@contextmanager
def house(http: type[HttpToolsProtocol], keyed: bool = False, **more: Any) -> Iterator[House]:
    found = House(http, keyed, **more)
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


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[House, House]]:
    with house(HttpToolsProtocol) as one, house(Line) as other:
        yield one, other


def call(body: bytes | str, *headers: str, line: str = f"POST {PATH} HTTP/1.1", sized: bool = True) -> bytes:
    """A request; its body is the customer's where it is a word."""
    told = json.dumps({"customer_id": body}).encode() if isinstance(body, str) else body
    length = [f"Content-Length: {len(told)}"] if sized else []
    kind = (
        [] if any(each.lower().startswith("content-type") for each in headers) else ["Content-Type: application/json"]
    )
    return "\r\n".join([line, "Host: h", *kind, *headers, *length, "", ""]).encode() + told


def exchanged(port: int, *segments: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that comes back until the connection ends, without what differs from call to call."""
    with closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found = bytearray()
        with suppress(ConnectionError):  # it may be ended before everything was sent
            for segment in segments:
                line.sendall(segment)
                time.sleep(pause_s)
        with suppress(ConnectionError):
            while part := line.recv(1 << 20):
                found += part
    return bare(bytes(found))


def bare(answers: bytes) -> bytes:
    dated = re.sub(rb"[Dd]ate: [^\r]+ GMT\r\n", b"date: GMT\r\n", answers)
    return re.sub(rb'(x-request-id: |"request_id":")[0-9a-f]{20}', rb"\1new", dated)


CHUNKED = b"11\r\n" + b'{"customer_id":"c' + b"\r\n3\r\n" + b'd"}' + b"\r\n0\r\n\r\n"
CALLS = {
    "ordinary": call("ann"),
    "with an id": call("ann", "X-Request-Id: mine-1"),
    "with an id that is none": call("ann", "X-Request-Id: mine 1"),
    "with more headers": call("ann", "User-Agent: u/1", "Accept: */*", "Accept-Encoding: gzip", "Authorization: x"),
    "that stays": call("ann", "Connection: keep-alive"),
    "that goes": call("ann", "Connection: close"),
    "of 1.0": call("ann", line=f"POST {PATH} HTTP/1.0"),
    "of 1.0 that stays": call("ann", "Connection: keep-alive", line=f"POST {PATH} HTTP/1.0"),
    "with a query": call("ann", line=f"POST {PATH}?a=b HTTP/1.1"),
    "escaped": call("ann", line="POST /v1/d%65cisions HTTP/1.1"),
    "at the whole address": call("ann", line=f"POST http://h{PATH} HTTP/1.1"),
    "elsewhere": call("ann", line="POST /v1/decision HTTP/1.1"),
    "put": call("ann", line=f"PUT {PATH} HTTP/1.1"),
    "get": call(b"", line=f"GET {PATH} HTTP/1.1"),
    "head": call(b"", line=f"HEAD {PATH} HTTP/1.1"),
    "with a charset": call("ann", "Content-Type: application/json; charset=utf-8"),
    "of text": call("ann", "Content-Type: text/plain"),
    "with a key of its own": call("ann", "Idempotency-Key: k"),
    "in chunks": call(CHUNKED, "Transfer-Encoding: chunked", sized=False),
    "in chunks with a trailer": call(
        CHUNKED[:-2] + b"Idempotency-Key: k\r\n\r\n", "Transfer-Encoding: chunked", sized=False
    ),
    "in chunks of a length": call(CHUNKED, "Transfer-Encoding: chunked"),
    "in chunks that break off": call(b"zz\r\n", "Transfer-Encoding: chunked", sized=False),
    "of two lengths": call("ann", "Content-Length: 3"),
    "of no length": call("ann", sized=False),
    "without a body": call(b""),
    "that expects": call("ann", "Expect: 100-continue"),
    "that is no JSON": call(b"{"),
    "that is not what the call takes": call(b'{"customer_id": 1}'),
    "in no UTF-8": call(b'{"customer_id": "\xff"}'),
    "of some size": call(b'{"customer_id": "ann"' + b" " * 200_000 + b"}"),
    "of too great a size": call(b"{", f"Content-Length: {MAX_BODY + 1}", sized=False),
    "that is refused": call("refused"),
    "that is refused for now": call("busy"),
    "that fails": call("broken"),
    "that fails and goes": call("broken", "Connection: close"),
    "that fails badly": call("worse"),
    "that would become a web socket": (
        b"GET /v1/decisions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ),
    "that would become something else": call("ann", "Connection: Upgrade, close", "Upgrade: h2c"),
    "with a header that is none": call("ann", "No header"),
    "of no protocol": b"nonsense\r\n\r\n",
    "after empty lines": b"\r\n\r\n" + call("ann"),
    "other": b"GET /end HTTP/1.1\r\nHost: h\r\n\r\n",
}
WRONG = {"of no protocol", "with a header that is none", "of two lengths", "in chunks that break off"} | {
    "in chunks of a length",
    "of too great a size",
    "that would become a web socket",
}
"""What ends a connection at once, whatever is under way on it."""


LAST = {"that would become something else"}
"""After which uvicorn reads nothing more of what came along with it, and something of what comes by itself."""


def end_after(name: str) -> list[bytes]:
    """What ends the connection after a call."""
    return [] if name in LAST else [END]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_alike_either_way(both: tuple[House, House], name: str) -> None:
    one, other = (exchanged(each.port, CALLS[name], *end_after(name)) for each in both)
    assert one == other
    assert one.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("name", CALLS)
def test_a_call_in_two_parts_is_answered_alike_either_way(both: tuple[House, House], name: str) -> None:
    whole = CALLS[name]
    for cut in (3, whole.index(b"\r\n\r\n") + 4, len(whole) - 1):
        parts = whole[:cut], whole[cut:], *end_after(name)
        one, other = (exchanged(each.port, *parts, pause_s=0.01) for each in both)
        assert one == other


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(CALLS.keys() - WRONG - LAST)), max_size=5),
    st.lists(st.integers(1, 400), max_size=6),
)
def test_calls_one_after_the_other_are_answered_alike_however_they_are_cut(
    both: tuple[House, House], names: list[str], cuts: list[int]
) -> None:
    rest, parts = b"".join(CALLS[name] for name in names) + END, []
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    one, other = (exchanged(each.port, *filter(None, (*parts, rest)), pause_s=0.002) for each in both)
    assert one == other


def test_an_ordinary_call_takes_the_short_way_and_no_other_does() -> None:
    with house(Line) as line:
        was = Straight.__call__
        through = list[str]()

        async def counted(self: Straight, scope: Any, receive: Any, send: Any) -> None:
            through.append(scope["method"])
            await was(self, scope, receive, send)

        Straight.__call__ = counted  # type: ignore[method-assign]
        try:
            exchanged(line.port, call("ann") * 3, END)
            assert line.hall.asked == ["ann"] * 3
            head, _, body = call("bob").partition(b"{")
            exchanged(line.port, head, b"{", body, END, pause_s=0.02)
            assert line.hall.asked == [*["ann"] * 3, "bob"]
            first = len(through)
            exchanged(line.port, CALLS["that is no JSON"], END)
            assert len(through) == first + 1
        finally:
            Straight.__call__ = was  # type: ignore[method-assign]
        assert first == 2  # those that came before the first was answered waited for their turn


@pytest.mark.parametrize("http", WAYS)
def test_a_key_is_looked_at_first(http: type[HttpToolsProtocol]) -> None:
    with house(http, keyed=True) as line:
        told = [
            exchanged(line.port, call("ann", *headers, "Connection: close"))
            for headers in ((), ("Authorization: bad",), ("Authorization: broken",), ("Authorization: good",))
        ]
        assert [each[9:12] for each in told] == [b"401", b"401", b"500", b"200"]
        assert line.keys == [None, "bad", "broken", "good"]
        assert line.hall.asked == ["ann"]


@pytest.mark.parametrize("http", WAYS)
def test_who_goes_before_the_answer_disturbs_nobody(http: type[HttpToolsProtocol]) -> None:
    with house(http) as line:
        gone = socket.create_connection(("127.0.0.1", line.port))
        gone.sendall(call("held"))
        until(lambda: line.hall.asked == ["held"])
        gone.close()
        state = line.server.server_state
        until(lambda: not state.connections)
        assert len(state.tasks) == 1
        line.hall.go_on.set()
        until(lambda: not state.tasks)
        assert state.total_requests == 0
        assert b"200 OK" in exchanged(line.port, call("ann", "Connection: close"))
        assert state.total_requests == 1


@pytest.mark.parametrize("http", WAYS)
def test_a_call_under_way_is_answered_before_the_service_ends(http: type[HttpToolsProtocol]) -> None:
    with house(http) as line, closing(socket.create_connection(("127.0.0.1", line.port), PATIENCE_S)) as asking:
        asking.sendall(call("held"))
        until(lambda: line.hall.asked == ["held"])
        line.stop()
        until(lambda: not line.server.servers[0].sockets)
        time.sleep(0.05)
        line.hall.go_on.set()
        found = b""
        while part := asking.recv(65_536):
            found += part
        assert found.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in found
        assert found.endswith(b'{"customer_id":"held","t":{"total":1.0}}')


@pytest.mark.parametrize("http", WAYS)
def test_a_call_whose_body_is_on_its_way_is_answered_before_the_service_ends(http: type[HttpToolsProtocol]) -> None:
    head, _, body = call("ann").partition(b"{")
    with house(http) as line, closing(socket.create_connection(("127.0.0.1", line.port), PATIENCE_S)) as asking:
        asking.sendall(head)
        until(lambda: bool(line.server.server_state.connections))
        time.sleep(0.05)
        line.stop()
        until(lambda: not line.server.servers[0].sockets)
        time.sleep(0.05)
        asking.sendall(b"{" + body)
        found = b""
        while part := asking.recv(65_536):
            found += part
        assert found.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in found
        assert line.hall.asked == ["ann"]


@pytest.mark.parametrize("extra", [b"", b"x" * MAX_BODY])
def test_a_body_of_too_great_a_size_is_refused_before_it_has_come(extra: bytes) -> None:
    told = list[bytes]()
    for http in WAYS:
        with house(http) as line:
            told.append(exchanged(line.port, call(b"{" + b" " * MAX_BODY + b"}" + extra), END))
            assert not line.hall.asked
    assert told[0] == told[1]
    assert told[0].startswith(b"HTTP/1.1 413 ")


def test_a_call_that_the_service_does_not_wait_for_is_answered_alike_either_way() -> None:
    told = list[bytes]()
    for http in WAYS:
        with house(http, timeout_graceful_shutdown=0) as line:
            with closing(socket.create_connection(("127.0.0.1", line.port), PATIENCE_S)) as asking:
                asking.sendall(call("held"))
                until(lambda line=line: line.hall.asked == ["held"])  # type: ignore[misc]
                line.stop()
                found = b""
                while part := asking.recv(65_536):
                    found += part
            told.append(bare(found))
    assert told[0] == told[1]
    assert told[0].startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("http", WAYS)
def test_whoever_is_slow_to_take_an_answer_gets_the_next_after_it(http: type[HttpToolsProtocol]) -> None:
    with house(http) as line, closing(socket.create_connection(("127.0.0.1", line.port), PATIENCE_S)) as asking:
        asking.sendall(call("long"))
        until(lambda: line.server.server_state.total_requests == 1)
        asking.sendall(call("ann", "Connection: close"))
        until(lambda: line.hall.asked == ["long", "ann"])
        time.sleep(0.05)
        assert line.server.server_state.total_requests == 1
        found = b""
        while part := asking.recv(1 << 20):
            found += part
        assert len(found) > LONG
        assert found.endswith(b'{"customer_id":"ann","t":{"total":1.0}}')


@pytest.mark.parametrize("http", WAYS)
def test_a_connection_that_nobody_uses_ends_by_itself(http: type[HttpToolsProtocol]) -> None:
    with house(http, timeout_keep_alive=0.2) as line:
        assert exchanged(line.port, call("ann")).count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.parametrize(
    "more", [{"access_log": True}, {"root_path": "/v1"}, {"limit_concurrency": 100}, {"http": "lacking"}, {"app": None}]
)
def test_where_there_is_anything_special_everything_takes_the_documented_way(more: dict[str, Any]) -> None:
    class Lacking(Line):
        """Another version, that lacks something of what is relied on."""

        def __getattribute__(self, name: str) -> Any:
            if name == "pipeline":
                raise AttributeError(name)
            return super().__getattribute__(name)

    async def made() -> Line:
        kind = Lacking if more.get("http") else Line
        with_app = found.app if "app" not in more else cast(Any, lambda scope: None)
        rest = {name: value for name, value in more.items() if name not in ("http", "app")}
        config = uvicorn.Config(with_app, **{**QUICK, "http": kind, **rest})
        config.load()
        return kind(config, uvicorn.server.ServerState(), {})

    found = House(Line, keyed=False)
    assert asyncio.run(made())._straight is None
    found.punctual.close()


def test_another_protocol_serves_the_same_service() -> None:
    with house(cast(Any, "h11")) as line:
        assert b"200 OK" in exchanged(line.port, call("ann", "Connection: close"))
        assert line.hall.asked == ["ann"]

"""What is answered past ASGI is answered byte for byte as uvicorn's own protocol has it answered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.envelope import MAX_BODY, Envelope
from serving.line import Line
from serving.straight import PATH
from tests.serving.house import WAYS, House, house
from tests.serving.talk import END, call, exchanged


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[House, House]]:
    with house(HttpToolsProtocol) as one, house(Line) as other:
        yield one, other


IN_CHUNKS = "Transfer-Encoding: chunked"
EXPECT = b"Expect: 100-continue"
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
    "with a charset in capitals": call("ann", "Content-Type: Application/JSON;charset=UTF-8"),
    "with another parameter": call("ann", "Content-Type: application/json; version=1"),
    "of a kind that is almost JSON": call("ann", "Content-Type: application /json"),
    "of JSON and text": call("ann", "Content-Type: application/json", "Content-Type: text/plain"),
    "of nothing and JSON": call("ann", "Content-Type:", "Content-Type: application/json"),
    "of text and JSON": call("ann", "Content-Type: text/plain", "Content-Type: application/json"),
    "with two keys": call("ann", "Authorization: x", "Authorization: y"),
    "with two ids": call("ann", "X-Request-Id: mine-1", "X-Request-Id: mine-2"),
    "of text": call("ann", "Content-Type: text/plain"),
    "with a key of its own": call("ann", "Idempotency-Key: k"),
    "in chunks": call(CHUNKED, IN_CHUNKS, sized=False),
    "in chunks with a trailer": call(CHUNKED[:-2] + b"Idempotency-Key: k\r\n\r\n", IN_CHUNKS, sized=False),
    "in chunks that expects too late": call(CHUNKED[:-2] + EXPECT + b"\r\n\r\n", IN_CHUNKS, sized=False),
    "in chunks that is no JSON and expects too late": call(
        b"1\r\n{\r\n0\r\n" + EXPECT + b"\r\n\r\n", IN_CHUNKS, sized=False
    ),
    "in chunks of a length": call(CHUNKED, IN_CHUNKS),
    "in chunks that break off": call(b"zz\r\n", IN_CHUNKS, sized=False),
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
    "of no length",
    "of too great a size",
    "that would become a web socket",
}
"""What ends a connection at once, whatever is under way on it."""
SHORT = {
    *("ordinary", "with an id", "with an id that is none", "with two ids", "with more headers", "after empty lines"),
    *("that stays", "that goes", "of 1.0", "of 1.0 that stays", "with a charset", "with a charset in capitals"),
    *("in chunks", "in chunks with a trailer", "in chunks that expects too late", "of some size"),
    *("that is refused", "that is refused for now", "that fails", "that fails and goes", "that fails badly"),
}
"""What does not come to the application at all."""
LAST = {"that would become something else"}
"""After which uvicorn reads nothing more of what came along with it, and something of what comes by itself."""


def end_after(name: str) -> list[bytes]:
    """What ends the connection after a call."""
    return [] if name in LAST else [END]


def forget(houses: tuple[House, House]) -> None:
    for each in houses:
        each.app.noted.clear()


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_alike_either_way(both: tuple[House, House], name: str) -> None:
    forget(both)
    one, other = (exchanged(each.port, CALLS[name], *end_after(name)) for each in both)
    assert one == other
    assert name in WRONG or both[1].short == (name in SHORT or both[0].short)
    assert one.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("name", CALLS)
def test_a_call_in_two_parts_is_answered_alike_either_way(both: tuple[House, House], name: str) -> None:
    whole = CALLS[name]
    forget(both)
    for cut in (3, whole.index(b"\r\n\r\n") + 4, len(whole) - 1):
        parts = whole[:cut], whole[cut:], *end_after(name)
        one, other = (exchanged(each.port, *parts, pause_s=0.01) for each in both)
        assert one == other
    assert name in WRONG or both[1].short == (name in SHORT or both[0].short)


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


def test_what_comes_before_the_first_is_answered_waits_for_its_turn() -> None:
    with house(Line) as line:
        exchanged(line.port, call("ann") * 3, END)
        assert line.hall.asked == ["ann"] * 3
        assert line.app.noted == [PATH, PATH, "/end"]


@pytest.mark.parametrize("extra", [b"", b"x" * MAX_BODY])
def test_a_body_of_too_great_a_size_is_refused_before_it_has_come(extra: bytes) -> None:
    told = list[bytes]()
    for http in WAYS:
        with house(http) as line:
            told.append(exchanged(line.port, call(b"{" + b" " * MAX_BODY + b"}" + extra), END))
            assert not line.hall.asked
    assert told[0] == told[1]
    assert told[0].startswith(b"HTTP/1.1 413 ")


def test_a_size_that_is_too_great_is_refused_before_anything_of_the_body_has_come(both: tuple[House, House]) -> None:
    head = call(b"", f"Content-Length: {MAX_BODY + 1}", sized=False)
    one, other = (exchanged(each.port, head) for each in both)
    assert one == other
    assert one.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("http", WAYS)
def test_a_key_is_looked_at_first_and_of_two_keys_the_first(http: type[HttpToolsProtocol]) -> None:
    with house(http, keyed=True) as line:
        bad, good = "Authorization: bad", "Authorization: good"
        told = [
            exchanged(line.port, call("ann", *headers, "Connection: close"))
            for headers in ((), (bad,), ("Authorization: broken",), (good,), (bad, good), (good, bad))
        ]
        assert [each[9:12] for each in told] == [b"401", b"401", b"500", b"200", b"401", b"200"]
        assert line.keys == [None, "bad", "broken", "good", "bad", "good"]
        assert line.hall.asked == ["ann", "ann"]


@pytest.mark.parametrize(
    "more", [{"access_log": True}, {"root_path": "/v1"}, {"limit_concurrency": 100}, {"around": Envelope}]
)
def test_where_there_is_anything_special_everything_takes_the_documented_way(more: dict[str, Any]) -> None:
    with house(Line, **more) as line:
        exchanged(line.port, call("ann", "Connection: close"))
        assert line.app.noted


@pytest.mark.parametrize(
    "name", ["config", "expect_100_continue", "loop", "parser", "pipeline", "server_state", "tasks"]
)
def test_where_the_protocol_lacks_what_is_relied_on_everything_takes_the_documented_way(name: str) -> None:
    class Lacking(Line):
        """Of another version, which has this only once it is connected."""

        def __getattribute__(self, asked: str) -> Any:
            if asked == name and super().__getattribute__("__dict__").get("transport") is None:
                raise AttributeError(asked)
            return super().__getattribute__(asked)

    with house(Lacking) as line:
        assert b"200 OK" in exchanged(line.port, call("ann", "Connection: close"))
        assert not line.short


def test_who_listens_to_a_log_that_is_off_changes_nothing() -> None:
    log, handler = logging.getLogger("uvicorn.access"), logging.NullHandler()
    with house(Line) as line:
        log.addHandler(handler)
        try:
            exchanged(line.port, call("ann", "Connection: close"))
        finally:
            log.removeHandler(handler)
        assert line.short


def test_another_protocol_serves_the_same_service() -> None:
    with house(cast(Any, "h11")) as line:
        assert b"200 OK" in exchanged(line.port, call("ann", "Connection: close"))
        assert line.hall.asked == ["ann"]

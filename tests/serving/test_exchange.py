"""Calls under way, whichever way they take: whoever goes, is slow or is too late, and the end of the service."""

from __future__ import annotations

import socket
import time

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.line import Line
from tests.serving.house import LONG, WAYS, house, until
from tests.serving.talk import asking, bare, call, exchanged, rest


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
    with house(http) as line, asking(line.port) as asked:
        asked.sendall(call("held"))
        until(lambda: line.hall.asked == ["held"])
        line.stop()
        until(lambda: not line.server.servers[0].sockets)
        time.sleep(0.05)
        line.hall.go_on.set()
        found = rest(asked)
        assert found.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in found
        assert found.endswith(b'{"customer_id":"held","t":{"total":1.0}}')


@pytest.mark.parametrize("http", WAYS)
def test_a_call_whose_body_is_on_its_way_is_answered_before_the_service_ends(http: type[HttpToolsProtocol]) -> None:
    head, _, body = call("ann").partition(b"{")
    with house(http) as line, asking(line.port) as asked:
        asked.sendall(head)
        until(lambda: bool(line.server.server_state.connections))
        time.sleep(0.05)
        line.stop()
        until(lambda: not line.server.servers[0].sockets)
        time.sleep(0.05)
        asked.sendall(b"{" + body)
        found = rest(asked)
        assert found.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"connection: close\r\n" in found
        assert line.hall.asked == ["ann"]


def test_a_call_that_the_service_does_not_wait_for_is_answered_alike_either_way() -> None:
    told = list[bytes]()
    for http in WAYS:
        with house(http, timeout_graceful_shutdown=0) as line:
            with asking(line.port) as asked:
                asked.sendall(call("held"))
                until(lambda line=line: line.hall.asked == ["held"])  # type: ignore[misc]
                line.stop()
                found = rest(asked)
            told.append(bare(found))
    assert told[0] == told[1]
    assert told[0].startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("http", WAYS)
def test_whoever_is_slow_to_take_an_answer_gets_the_next_after_it(http: type[HttpToolsProtocol]) -> None:
    with house(http) as line, asking(line.port) as asked:
        asked.sendall(call("long"))
        until(lambda: line.server.server_state.total_requests == 1)
        asked.sendall(call("ann", "Connection: close"))
        until(lambda: line.hall.asked == ["long", "ann"])
        time.sleep(0.05)
        assert line.server.server_state.total_requests == 1
        found = rest(asked)
        assert len(found) > LONG
        assert found.endswith(b'{"customer_id":"ann","t":{"total":1.0}}')


@pytest.mark.parametrize("http", WAYS)
def test_a_connection_that_nobody_uses_ends_by_itself(http: type[HttpToolsProtocol]) -> None:
    with house(http, timeout_keep_alive=0.2) as line:
        assert exchanged(line.port, call("ann")).count(b"HTTP/1.1 200 OK") == 1


def test_an_answer_to_a_line_that_has_ended_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with house(Line) as line, asking(line.port) as asked, asking(line.port) as other:
        asked.sendall(call("held") + call("ann") + b"nonsense\r\n\r\n")
        other.sendall(call("bob", "Connection: close"))
        assert rest(asked).startswith(b"HTTP/1.1 400 ")
        line.hall.go_on.set()
        assert b"200 OK" in rest(other)
    assert not [record for record in caplog.records if record.name == "asyncio"]

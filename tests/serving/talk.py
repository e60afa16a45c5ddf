"""What is said to a service over a socket, byte for byte, and what comes back."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import closing, suppress

from serving.straight import PATH

PATIENCE_S = 10.0
END = b"GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
"""The last request on a connection: whatever is answered has come when the connection ends."""


def call(body: bytes | str, *headers: str, line: str = f"POST {PATH} HTTP/1.1", sized: bool = True) -> bytes:
    """A request; its body is the customer's where it is a word."""
    told = json.dumps({"customer_id": body}).encode() if isinstance(body, str) else body
    length = [f"Content-Length: {len(told)}"] if sized else []
    kind = (
        [] if any(each.lower().startswith("content-type") for each in headers) else ["Content-Type: application/json"]
    )
    return "\r\n".join([line, "Host: h", *kind, *headers, *length, "", ""]).encode() + told


def asking(port: int) -> closing[socket.socket]:
    """A connection."""
    return closing(socket.create_connection(("127.0.0.1", port), PATIENCE_S))


def rest(line: socket.socket) -> bytes:
    """Everything that comes back until the connection ends."""
    found = bytearray()
    with suppress(ConnectionError):
        while part := line.recv(1 << 20):
            found += part
    return bytes(found)


def exchanged(port: int, *segments: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that comes back until the connection ends, without what differs from call to call."""
    with asking(port) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):  # it may be ended before everything was sent
            for segment in segments:
                line.sendall(segment)
                time.sleep(pause_s)
        return bare(rest(line))


def bare(answers: bytes) -> bytes:
    """Without what differs from call to call: when it was answered, and ids that were not given."""
    dated = re.sub(rb"[Dd]ate: [^\r]+ GMT\r\n", b"date: GMT\r\n", answers)
    return re.sub(rb'(x-request-id: |"request_id":")[0-9a-f]{20}', rb"\1new", dated)

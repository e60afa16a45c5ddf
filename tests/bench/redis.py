"""A Redis server of a benchmark's own, on a port of its own, without a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from redis import ConnectionError as RedisConnectionError
from redis import Redis

from tests.bench.load import HOST, free_port


@contextmanager
def redis_server() -> Iterator[int]:
    """The port of a running server. Exits with a message where Redis is not installed."""
    binary = shutil.which("redis-server")
    if binary is None:
        sys.exit("Redis is not installed: apt-get install redis-server")
    port = free_port()
    with TemporaryDirectory(prefix="bench-redis-") as folder:
        options = ["--port", str(port), "--bind", HOST, "--save", "", "--appendonly", "no"]
        server = subprocess.Popen([binary, *options], cwd=Path(folder), stdout=subprocess.DEVNULL)
        try:
            with Redis(HOST, port) as client:
                while not _answers(client):
                    time.sleep(0.02)
            yield port
        finally:
            server.terminate()
            server.wait()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisConnectionError:
        return False

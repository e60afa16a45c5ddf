"""Fixtures for tests of the online store on Redis: a server of the tests' own, on a socket, without a file."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DATABASE = 3


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Path]:
    """The socket of a running server; skipped where Redis is not installed."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("Redis is not installed (apt-get install redis-server): online values are tested without it")
    folder = Path(tempfile.mkdtemp(prefix="kairos-redis-"))
    socket = folder / "socket"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([binary, *options], cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert server.poll() is None, "redis-server ended before it listened"
            time.sleep(0.01)
        yield socket
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_address(redis_server: Path) -> str:
    """The address of an empty database."""
    from serving.packed_redis import connect

    address = f"unix://{redis_server}?db={DATABASE}"
    connect(address).flushdb()
    return address

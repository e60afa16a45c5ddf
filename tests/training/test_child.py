import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.child import ServerError, child

SERVER = """
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/up" else 503); self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.end_headers(); self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_server_is_awaited_asked_and_ended(tmp_path: Path) -> None:
    port = free_port()
    with child(
        [sys.executable, "-c", SERVER, str(port)], "127.0.0.1", port, tmp_path / "logs" / "server.log"
    ) as server:
        server.wait_until_up("/up", timeout_s=20)
        assert server.post("/echo", {"customer_id": "1"}) == {"customer_id": "1"}
        with pytest.raises(ServerError, match=r"/down did not answer within 0\.3 s"):
            server.wait_until_up("/down", timeout_s=0.3)
    assert server.wait() != 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "server.log"
    with (
        child([sys.executable, "-c", "raise SystemExit('no model')"], "127.0.0.1", port, log) as server,
        pytest.raises(ServerError, match=r"has ended: .*server\.log"),
    ):
        server.wait_until_up("/up", timeout_s=20)
    assert "no model" in log.read_text()


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        with (
            pytest.raises(ServerError, match="set another port"),
            child(["never-started"], "127.0.0.1", port, tmp_path / "server.log"),
        ):
            pass


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_a_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    port = free_port()
    serve = (
        "import sys, time; from pathlib import Path; from training.child import child\n"
        "log, code, port = sys.argv[1:]\n"
        "with child([sys.executable, '-c', code, port], '127.0.0.1', int(port), Path(log)) as server:\n"
        "    server.wait_until_up('/up', timeout_s=20); print('up', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", serve, str(tmp_path / "server.log"), SERVER, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.kill()
    deadline = time.monotonic() + 10
    while listens(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_the_server_has_started_ends_with_it(tmp_path: Path) -> None:
    port = free_port()
    starts_another = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
    command = [sys.executable, "-c", starts_another, str(port), SERVER]
    with child(command, "127.0.0.1", port, tmp_path / "server.log") as server:
        server.wait_until_up("/up", timeout_s=20)
    deadline = time.monotonic() + 10
    while listens(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)

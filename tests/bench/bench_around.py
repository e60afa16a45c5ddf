"""What surrounds a decision: processor time by thread of a service whose decisions take a given time and find nothing.

    python -m tests.bench.bench_around [milliseconds of a decision]

Requests, hand-over between threads, deadlines, the record (of the size of a real one) and its commit are as they are;
the decision itself turns in a loop for so long. In rounds of recorded and dry runs, with 1 and 16 connections.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import enumerate as threads
from typing import Any, cast
from urllib.request import urlopen

import uvicorn
from sqlalchemy import text

from serving import garbage
from serving.__main__ import QUICK
from serving.answer_api import Answer
from serving.api import DecisionRequest
from serving.briefing import Due
from serving.front import Fronted
from serving.journal import Journal
from serving.journal.transaction import Transaction
from serving.journal.written import Written
from serving.later import Later, after, there
from serving.problem_handlers import add_problems
from serving.progress import Progress
from serving.punctual import Punctual
from serving.reception import Reception
from serving.settings import read_settings
from serving.straight import PATH, Straight
from tests.bench.load import HOST, Target, ask, free_port
from training.child import child

ANSWER, REST = 11_000, 20_000
"""Bytes of an answer, and of what else a record keeps."""


_KEEP = Written(text("INSERT INTO kept (answer, rest) VALUES (:answer, :rest)"))


class Nothing:
    """What is answered."""

    text = b'{"nothing":"' + b"-" * ANSWER + b'"}'


class Idle:
    """Stands in for a reception: decides nothing for a while, and records it."""

    def __init__(self, journal: Journal, seconds: float) -> None:
        self._journal, self._seconds = journal, seconds
        self._record = {"answer": Nothing.text.decode(), "rest": os.urandom(REST)}

    def together(self) -> AbstractContextManager[None]:
        """See Reception."""
        return self._journal.together()

    def hurry(self) -> None:
        """See Reception."""
        self._journal.hurry()

    def brief(self, dues: Sequence[Due]) -> None:
        """See Reception. There is nothing to be read."""

    def decide_soon(self, request: DecisionRequest, progress: Progress) -> Later[Answer]:
        """See Reception."""
        until = time.thread_time() + self._seconds
        while self._seconds and time.thread_time() < until:
            sum(range(100))
        if request.dry_run or not progress.write():
            return there(cast(Answer, Nothing()))
        return after(self._journal.write_soon(self._keep), lambda written: written.result())

    def _keep(self, transaction: Transaction) -> Answer:
        transaction.take_turn()
        _KEEP.run(transaction.connection, self._record)
        return cast(Answer, Nothing())


def serve(port: int, folder: Path, seconds: float) -> None:
    """Answer until the process is ended."""
    garbage.seldom()
    journal = Journal(f"sqlite:///{folder / 'journal.db'}", read_settings(os.environ).synchronous)
    table = text("CREATE TABLE kept (number INTEGER PRIMARY KEY, answer TEXT, rest BLOB)")
    journal.write(lambda transaction: transaction.connection.execute(table))
    punctual = Punctual(cast(Reception, Idle(journal, seconds)), 60_000.0)
    journal.expect(punctual.at_it)
    app = Fronted()
    add_problems(app)

    @app.get("/threads")
    async def who() -> dict[str, str]:
        return {str(each.native_id): each.name for each in threads()}

    app.put_in_front(PATH, lambda rest, fail: Straight(rest, fail, None, punctual))
    uvicorn.run(app, **QUICK, host=HOST, port=port)


def spent_ms(pid: int) -> dict[str, float]:
    """Processor time of each thread so far (Linux)."""
    return {
        each.name: int((each / "schedstat").read_text().split()[0]) / 1e6
        for each in Path(f"/proc/{pid}/task").iterdir()
    }


def names(port: int) -> dict[str, str]:
    """What the service calls its threads, by number."""
    with urlopen(f"http://{HOST}:{port}/threads") as answer:
        found: dict[str, str] = json.load(answer)
    return found


def main(ms: str) -> None:
    """Print a line for each load."""
    settings, port = read_settings(os.environ), free_port()
    with TemporaryDirectory(dir=settings.data_dir, prefix="bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.bench_around", "serve", str(port), folder, ms]
        with child(command, HOST, port, settings.data_dir / "logs" / "bench_around.log") as server:
            server.wait_until_up("/threads", timeout_s=60)
            for connections in (1, 16):
                for more in cast(tuple[dict[str, Any], ...], ({}, {"dry_run": True})):
                    body = {"customer_id": "c", "kind": "k", "channels": ["app", "email", "mailer", "shop"], **more}
                    target = Target(server.pid, port, PATH, [json.dumps(body).encode()])
                    ask(target, connections, 1.0)
                    before, called = spent_ms(server.pid), names(port)
                    found = ask(target, connections, settings.bench_s)
                    asked = found.per_second * settings.bench_s
                    each = {called.get(k, k): (v - before.get(k, 0.0)) / asked for k, v in spent_ms(server.pid).items()}
                    told = ", ".join(f"{name} {took:.4f}" for name, took in each.items() if took > 0.001)
                    what = "dry runs" if more else "recorded"
                    print(f"{what} of {ms} ms, {connections} connections: {found.per_second:.0f}/s; CPU ms: {told}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]) / 1e3)
    else:
        main((sys.argv[1:] or ["0"])[0])

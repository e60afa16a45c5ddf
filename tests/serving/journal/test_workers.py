"""The law of the live features with four worker processes on one journal and one file of values."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from features.domain import CustomerId
from features.state import close
from serving.journal import Journal
from serving.projection import Projection
from serving.values import SqliteValues
from tests.serving.journal.test_projection import OF, expected, log

ROOT = Path(__file__).resolve().parents[3]
WORKERS, SEED, EVENTS = 4, 23, 160
WORKER = """
import sys
from pathlib import Path
from serving.journal import Journal
from serving.projection import Projection
from serving.values import SqliteValues
from tests.serving.journal.test_projection import accept, batches, log

uri, file, seed, events, worker, workers = sys.argv[1:]
projection = Projection(Journal(uri), SqliteValues(Path(file)))
told = batches(log(int(seed), int(events)), int(seed))
print("ready", flush=True)
sys.stdin.readline()
for batch in told[int(worker) :: int(workers)]:
    accept(projection, batch)
projection.journal.close()
"""


@pytest.mark.slow
def test_four_worker_processes_give_the_features_that_one_would(
    open_journal: Callable[[], Journal], journal_uri: str, tmp_path: Path
) -> None:
    online = tmp_path / "online.db"
    open_journal().open()
    arguments = [journal_uri, str(online), str(SEED), str(EVENTS)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments, str(number), str(WORKERS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for number in range(WORKERS)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:  # all at once, only now that each is ready
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            worker.communicate(timeout=120)
            assert worker.returncode == 0
    finally:
        for worker in workers:
            worker.kill()
    values = SqliteValues(online)
    projection = Projection(open_journal(), values)
    arrivals = log(SEED, EVENTS)
    for owner in OF:
        assert values.get(CustomerId(owner)) is not None
        assert close(projection.state(CustomerId(owner)), expected(arrivals, owner))
    rebuilt = projection.rebuild()
    assert (rebuilt.behind, rebuilt.different) == ((), ())

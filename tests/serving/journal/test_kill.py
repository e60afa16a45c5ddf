"""Processes that are killed under load lose nothing that they acknowledged, and count nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from features.domain import CustomerId
from features.past import rows_of
from features.schema import CUSTOMER
from features.state import State
from serving.journal import Journal
from serving.projection import Projection
from serving.settings import read_settings
from serving.values import SqliteValues

ROOT = Path(__file__).resolve().parents[3]
CUSTOMERS = [CustomerId(f"customer-{number}") for number in range(5)]
WRITER = """
import random, sys
from pathlib import Path
from features.domain import ChannelName, EventId, Instant, Kind
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Journal
from serving.projection import Projection
from serving.values import SqliteValues

uri, file, name, seed = sys.argv[1:]
chance, now = random.Random(seed), 1_700_000_000_000_000
projection = Projection(Journal(uri), SqliteValues(Path(file)))
for number in range(1_000_000):
    who = chance.randrange(5)
    names = [("customer_id", f"customer-{who}"), ("card", f"{who}-{chance.randrange(3)}")]
    batch = [
        Arrival(name, EventId(f"{number}-{part}"), distinct(identity(*n) for n in names), Kind.PURCHASED,
                ChannelName("store"), Instant(now - chance.randrange(10**12)), value_minor=100)
        for part in range(chance.choice([1, 1, 20]))
    ]
    taken = projection.journal.take_in(batch, Cause(Instant(now), name, "load"))
    projection.settle(taken.touched, taken.news)
    for receipt in taken.receipts:
        print(f"{name} {receipt.event_id}", flush=True)
"""


def rounds() -> int:
    return 25 if read_settings(os.environ).proof_size == "full" else 1


def start(uri: str, online: Path, name: str, seed: int) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", WRITER, uri, str(online), name, str(seed)]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )


@pytest.mark.slow
@pytest.mark.proof(name="kill")
def test_killing_writers_loses_no_acknowledged_event_and_counts_none_twice(
    open_journal: Callable[[], Journal],
    journal_uri: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    online, acknowledged = tmp_path / "online.db", set[str]()
    chance = random.Random(1)
    for attempt in range(rounds()):
        writers = [start(journal_uri, online, f"writer-{attempt}-{n}", chance.randrange(10**6)) for n in range(2)]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged.add(writer.stdout.readline().strip())  # under load from here on
        time.sleep(chance.uniform(0, 0.5))
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            told, _ = writer.communicate()
            acknowledged.update(line for line in told.splitlines() if line)
        journal = open_journal()
        projection = Projection(journal, SqliteValues(online))
        projection.catch_up()
        kept = [f"{e.source} {e.event_id}" for _, events in journal.histories() for e in events]
        assert len(kept) == len(set(kept))
        assert acknowledged <= set(kept)
        rebuilt = projection.rebuild()
        assert (rebuilt.behind, rebuilt.different) == ((), ())
        journal.close()
    record_property("kills", rounds() * 2)
    record_property("acknowledged", len(acknowledged))
    record_property("lost", 0)


def purchases(state: State) -> float:
    """Decayed purchases over 120 days: every purchase of the load counts a little less than 1."""
    return float(
        rows_of(CUSTOMER, state.memories[0], [""])[0][0][[s.name for s in CUSTOMER.sums].index("purchases_120d")]
    )


@pytest.mark.slow
def test_what_one_process_acknowledged_is_in_the_features_of_the_next(
    open_journal: Callable[[], Journal], journal_uri: str, tmp_path: Path
) -> None:
    online = tmp_path / "online.db"
    reader = Projection(open_journal(), SqliteValues(online))
    before = dict.fromkeys(CUSTOMERS, 0.0)
    writer = start(journal_uri, online, "writer", 1)
    assert writer.stdout is not None
    try:
        for acknowledged in range(1, 21):
            writer.stdout.readline()
            after = {customer_id: purchases(reader.state(customer_id)) for customer_id in CUSTOMERS}
            assert sum(after.values()) > 0.9 * acknowledged
            assert all(after[each] >= before[each] for each in CUSTOMERS)
            before = after
    finally:
        writer.kill()
        writer.communicate()

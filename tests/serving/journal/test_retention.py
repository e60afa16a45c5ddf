from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from features.domain import DAY, ChannelName, CustomerId, DecisionId, Event, EventId, Instant, Kind
from features.fold import fold
from features.state import close, empty
from features.stored import state_from_row, state_to_row
from serving.journal import Cause, Journal, Record
from serving.journal.bulk import load_events
from serving.journal.erasure import known
from serving.journal.history import History, history_of, note_history, tallies, withdraw
from serving.projection import Projection
from serving.retention import main, oldest_kept, retain
from serving.values import MemoryValues

pytestmark = pytest.mark.slow
NOW = Instant(1_700_000_000_000_000)
CAUSE = Cause(NOW, "test", "test")
ANN, BOB = CustomerId("ann"), CustomerId("bob")


def bought(number: int, customer_id: CustomerId, days_ago: float) -> Event:
    at = Instant(NOW - round(days_ago * DAY))
    return Event("till", EventId(f"event-number-{number}"), customer_id, Kind.PURCHASED, ChannelName("store"), at, at)


HISTORY = [bought(1, ANN, 400), bought(2, ANN, 20), bought(3, BOB, 5), bought(4, CustomerId("old"), 900)]


def filled(journal: Journal) -> Projection:
    journal.write(lambda t: load_events(t, HISTORY, CAUSE))
    for number, days in enumerate((400, 2)):
        at = Instant(NOW - days * DAY)
        none = np.zeros((0, 0), dtype=np.float32)
        journal.record(Record(DecisionId(f"d{number}"), ANN, at, "{}", "{}", {}, (), (), none))
    projection = Projection(journal, MemoryValues())
    projection.catch_up()
    return projection


def test_what_is_older_is_gone_down_to_the_bytes_and_counts_no_more(journal: Journal, tmp_path: Path) -> None:
    projection = filled(journal)
    retired = retain(projection, oldest_kept(NOW, 365), NOW)
    assert (retired.events, retired.decisions, retired.touched) == (2, 1, {ANN, "old"})
    expected = state_from_row(state_to_row(fold(empty(), [HISTORY[1]])))
    assert close(projection.state(ANN), expected)
    assert close(projection.state(CustomerId("old")), state_from_row(state_to_row(empty())))
    assert projection.rebuild().different == ()
    assert journal.decision(DecisionId("d0")) is None
    assert journal.decision(DecisionId("d1")) is not None
    assert not any(b"event-number-1" in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    again = retain(projection, oldest_kept(NOW, 365), NOW)
    assert (again.events, again.touched) == (0, frozenset())


def test_duplicates_are_known_as_far_back_as_retention_reaches(journal: Journal) -> None:
    retain(filled(journal), oldest_kept(NOW, 365), NOW)
    again = journal.write(lambda t: load_events(t, HISTORY, CAUSE))
    assert (again.events, again.duplicates) == (2, 2)


def test_withdrawn_events_leave_no_trace_in_the_values(journal: Journal) -> None:
    projection = filled(journal)
    assert journal.write(lambda t: withdraw(t, [("till", "event-number-2"), ("till", "unheard-of")])) == {ANN}
    assert close(projection.state(ANN), state_from_row(state_to_row(fold(empty(), HISTORY[:1]))))
    assert journal.write(lambda t: withdraw(t, [])) == frozenset()


def test_tallies_differ_where_one_event_is_replaced_by_another(open_journal: Callable[[], Journal]) -> None:
    journal = open_journal()
    filled(journal)
    with journal.reading() as connection:
        before = {who: tally for who, (_, tally) in tallies(connection).items()}
    journal.write(lambda t: withdraw(t, [("till", "event-number-2")]))
    journal.write(lambda t: load_events(t, [bought(5, ANN, 21)], CAUSE))
    with journal.reading() as connection:
        after = {who: tally for who, (_, tally) in tallies(connection).items()}
    assert {who for who, tally in before.items() if after[who] != tally} == {ANN}
    assert before[ANN].events == after[ANN].events == 2


def test_the_history_noted_last_is_the_one_in_force(journal: Journal) -> None:
    first, then = History("files", "a", NOW), History("files", "b", NOW)
    with journal.reading() as connection:
        assert history_of(connection) is None
    for history in (first, then):
        journal.write(lambda t, noted=history: note_history(t.connection, noted, CAUSE))
    with journal.reading() as connection:
        assert history_of(connection) == then


def test_before_an_erasure_it_is_known_under_what_to_look_elsewhere(journal: Journal) -> None:
    filled(journal)
    with journal.reading() as connection:
        found = known(connection, ANN)
    assert found.customer_ids == {ANN}
    assert {(name.namespace, name.value) for name in found.names} == {("customer_id", "ann")}


def test_without_the_setting_nothing_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"KAIROS_DATA_DIR": str(tmp_path)}) == 0
    assert "KAIROS_RETENTION_DAYS is unset" in capsys.readouterr().out


def test_the_command_says_what_it_removed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place / "files"
    folder.mkdir()
    (place / "catalogue.json").rename(folder / "catalogue.json")
    with closing(Journal(f"sqlite:///{folder / 'journal.db'}")) as journal:
        filled(journal)
    environ = {"KAIROS_DATA_DIR": str(place), "KAIROS_SOURCE": "files", "KAIROS_RETENTION_DAYS": "365"}
    assert main(environ) == 0
    assert "4 events, 2 decisions" in capsys.readouterr().out

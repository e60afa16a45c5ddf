import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from features.domain import ChannelName, CustomerId, DecisionId, EventId, Instant, Kind
from serving.consent import Consent
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Journal, Record
from serving.journal.audit import lines
from serving.journal.consents import state_consent
from serving.journal.erasure import is_erased
from serving.journal.people import UnknownCustomerError
from serving.journal.schema import METADATA
from serving.journal.timeline import everything
from serving.store import StoreUnavailableError

CAUSE = Cause(Instant(1_700_000_000_000_000), "admin", "asked for")


def take_in(journal: Journal, event_id: str, *names: tuple[str, str]) -> None:
    who = distinct(identity(*name) for name in names)
    arrival = Arrival(
        "till", EventId(event_id), who, Kind.PURCHASED, ChannelName("store"), CAUSE.at, extra={"id": event_id}
    )
    journal.take_in([arrival], CAUSE)


def decide(journal: Journal, customer_id: str, decision_id: str) -> None:
    request = f'{{"customer_id": "{customer_id}"}}'
    matrix = np.zeros((0, 0), dtype=np.float32)
    journal.record(
        Record(DecisionId(decision_id), CustomerId(customer_id), CAUSE.at, request, request, {}, (), (), matrix)
    )


def everywhere(journal: Journal, folder: Path) -> bytes:
    """Every byte of every file, and every value of every table."""
    with journal.reading() as connection:
        rows = [repr(row) for table in METADATA.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(rows).encode() + b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


def test_after_erasure_nothing_is_left_but_a_tombstone(journal: Journal, tmp_path: Path) -> None:
    secret = {name: secrets.token_hex(16) for name in ("customer", "card", "cookie", "e1", "e2", "e3")}
    take_in(journal, secret["e1"], ("anonymous", secret["cookie"]))
    take_in(journal, secret["e2"], ("card", secret["card"]))
    take_in(
        journal,
        secret["e3"],
        ("customer_id", secret["customer"]),
        ("card", secret["card"]),
        ("anonymous", secret["cookie"]),
    )
    take_in(journal, "other", ("customer_id", "bob"))
    decide(journal, secret["customer"], "d-1")
    decide(journal, "bob", "d-2")
    ann = CustomerId(secret["customer"])
    journal.write(
        lambda t: state_consent(t.connection, ann, Consent("email_marketing", True, CAUSE.at, "form", proof=ann))
    )
    before = everywhere(journal, tmp_path)
    assert all(each.encode() in before for each in secret.values())
    erased = journal.erase(ann, CAUSE)
    assert (erased.events, erased.decisions) == (3, 1)
    assert ann in erased.customer_ids
    after = everywhere(journal, tmp_path)
    assert [name for name, each in secret.items() if each.encode() in after] == []
    with journal.reading() as connection:
        assert is_erased(connection, DecisionId("d-1"))
        assert not is_erased(connection, DecisionId("d-2"))
        assert [line.action for line in lines(connection) if line.customer_id == erased.tombstone][-1] == "erased"
        assert len(everything(connection, CustomerId("bob"))["events"]) == 1  # type: ignore[arg-type]
    assert journal.decision(DecisionId("d-2")) is not None


def test_whoever_was_once_taken_for_the_same_person_stays_and_the_erased_is_not_named(
    journal: Journal, tmp_path: Path
) -> None:
    ann = secrets.token_hex(16)
    take_in(journal, "1", ("customer_id", ann), ("card", "shared"))
    journal.split(CustomerId(ann), [identity("card", "shared")], CAUSE)
    take_in(journal, "2", ("card", "shared"))
    journal.erase(CustomerId(ann), CAUSE)
    assert ann.encode() not in everywhere(journal, tmp_path)
    found = journal.find(identity("card", "shared"))
    assert found is not None
    assert [event.event_id for gap in journal.gaps({found.customer_id: 0}) for event in gap.events] == ["2"]


def test_where_what_is_kept_elsewhere_cannot_be_dropped_nobody_is_erased_and_the_call_can_be_repeated(
    open_journal: Callable[[], Journal],
) -> None:
    journal = open_journal()
    take_in(journal, "1", ("customer_id", "ann"))

    def drop(_: frozenset[CustomerId]) -> None:
        raise StoreUnavailableError("nobody answers")

    with pytest.raises(StoreUnavailableError):
        journal.erase(CustomerId("ann"), CAUSE, drop)
    assert journal.count_erasures() == 0
    assert journal.standing(CustomerId("ann")).revision
    assert "ann" in journal.erase(CustomerId("ann"), CAUSE).customer_ids


def test_a_customer_nobody_knows_cannot_be_erased(open_journal: Callable[[], Journal]) -> None:
    with pytest.raises(UnknownCustomerError, match="nobody"):
        open_journal().erase(CustomerId("nobody"), CAUSE)


def test_everything_that_is_held_of_a_customer_can_be_handed_over(journal: Journal) -> None:
    take_in(journal, "1", ("customer_id", "ann"), ("card", "c"))
    decide(journal, "ann", "d-1")
    journal.write(
        lambda t: state_consent(t.connection, CustomerId("ann"), Consent("profiling", False, CAUSE.at, "form"))
    )
    with journal.reading() as connection:
        held = everything(connection, CustomerId("ann"))
    assert [name["namespace"] for name in held["names"]] == ["customer_id", "card"]  # type: ignore[attr-defined]
    assert held["events"][0]["extra"] == {"id": "1"}  # type: ignore[index]
    assert held["decisions"][0]["request"] == {"customer_id": "ann"}  # type: ignore[index]
    assert held["consents_in_force"] == [{"purpose": "profiling", "channel": "", "granted": False}]

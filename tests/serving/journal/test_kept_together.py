"""Decisions that writers keep are written together at the end of their transaction, and still each stands alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.domain import DecisionId
from serving.journal import Journal, JournalUnavailableError
from serving.journal.decisions import read_decision, row_of
from serving.journal.transaction import Transaction
from serving.later import Later
from tests.serving.journal.test_decisions import RECORD


def keeps(number: str) -> Callable[[Transaction], str]:
    row = row_of(replace(RECORD, decision_id=DecisionId(number)))

    def write(transaction: Transaction) -> str:
        transaction.keep(row)
        return number

    return write


def takes_a_turn_and_keeps(number: str) -> Callable[[Transaction], str]:
    def write(transaction: Transaction) -> str:
        transaction.next_position()
        return keeps(number)(transaction)

    return write


def beside(journal: Journal, n: int) -> Later[object]:
    """The n-th decision, with which nothing else is changed."""
    row = row_of(replace(RECORD, decision_id=DecisionId(f"d-{n}")))
    return journal.keep_soon(row, n, journal.erasures, keeps("none other"))


def fails_after_keeping(number: str) -> Callable[[Transaction], str]:
    def write(transaction: Transaction) -> str:
        keeps(number)(transaction)
        raise ValueError(number)

    return write


def test_a_decision_that_cannot_be_kept_keeps_none_of_the_others_out(journal: Journal) -> None:
    journal.write(keeps("d-3"))
    writes = [keeps("d-1"), keeps("d-2"), keeps("d-3"), takes_a_turn_and_keeps("d-4"), keeps("d-5"), keeps("d-5")]
    with journal.together():
        soon = [journal.write_soon(write) for write in writes]
    told = []
    for each in soon:
        try:
            told.append(each.result())
        except JournalUnavailableError:
            told.append("none")
    assert told == ["d-1", "d-2", "none", "d-4", "d-5", "none"]
    assert all(journal.decision(DecisionId(f"d-{number}")) is not None for number in range(1, 6))


def test_decisions_with_which_nothing_else_is_changed_are_kept_in_their_turn_and_fail_alone(journal: Journal) -> None:
    journal.write(keeps("d-2"))
    with journal.together():
        soon = [beside(journal, n) for n in range(1, 4)]
        soon.append(journal.write_soon(takes_a_turn_and_keeps("d-4")))
        soon.append(beside(journal, 4))
    told = [each.exception() or each.result() for each in soon]
    assert [str(each) if isinstance(each, int | str) else "none" for each in told] == ["1", "none", "3", "d-4", "none"]
    alone = [beside(journal, n) for n in (4, 5)]
    assert isinstance(alone[0].exception(), JournalUnavailableError)
    assert alone[1].result() == 5
    assert all(journal.decision(DecisionId(f"d-{number}")) is not None for number in range(1, 6))


def test_what_is_undone_keeps_no_decision(journal: Journal) -> None:
    def turn(transaction: Transaction) -> str:
        keeps("d-3")(transaction)
        transaction.next_position()
        raise ValueError("d-3")

    with journal.together():
        soon = [journal.write_soon(write) for write in (keeps("d-1"), fails_after_keeping("d-2"), turn, keeps("d-4"))]
    assert [soon[0].result(), soon[3].result()] == ["d-1", "d-4"]
    for each in soon[1:3]:
        with pytest.raises(ValueError, match="d-"):
            each.result()
    kept = [journal.decision(DecisionId(f"d-{number}")) is not None for number in range(1, 5)]
    assert kept == [True, False, False, True]


def test_who_writes_later_in_the_same_transaction_sees_what_was_kept(journal: Journal) -> None:
    with journal.together():
        journal.write_soon(keeps("d-1"))
        seen = journal.write_soon(lambda transaction: read_decision(transaction.connection, DecisionId("d-1")))
    found = seen.result()
    assert found is not None
    assert found.intact

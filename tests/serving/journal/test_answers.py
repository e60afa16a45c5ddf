"""Answers kept for calls that are sent again, on both databases."""

from features.domain import CustomerId, Instant
from serving.journal import Journal
from serving.journal.answers import Kept, keep_answer, kept_answer


def test_the_first_answer_under_a_key_stays(journal: Journal) -> None:
    first, second = Kept("body", '{"a": 1}'), Kept("other", '{"a": 2}')
    for kept in (first, second):
        found = journal.write(
            lambda t, kept=kept: keep_answer(t.connection, "k", kept, Instant(1), [CustomerId("ann")])  # type: ignore[misc]
        )
        assert found == first
    with journal.reading() as connection:
        assert kept_answer(connection, "k") == first
        assert kept_answer(connection, "another") is None

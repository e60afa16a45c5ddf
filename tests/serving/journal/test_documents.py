from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from features.domain import Instant
from serving.journal import Journal
from serving.journal.documents import Version, bodies, keep_version, versions
from serving.journal.sample import sample
from serving.journal.transaction import Transaction


def version(body: str, name: str = "policy", at: int = 0) -> Version:
    return Version(name, f"of {body}", body, Instant(at), "ann")


def keep(journal: Journal, *kept: Version) -> list[bool]:
    def write(transaction: Transaction) -> list[bool]:
        transaction.take_turn()
        return [keep_version(transaction.connection, each) for each in kept]

    return journal.write(write)


def test_a_version_is_kept_once_while_it_stays_in_force_and_again_when_it_comes_back(journal: Journal) -> None:
    a, b = version("{}"), version('{"horizon_hours":3}', at=1)
    assert keep(journal, a, a, b, b, a) == [True, False, True, False, True]
    with journal.reading() as connection:
        assert [each for _, each in versions(connection, "policy", most=9)] == [a, b, a]
        assert list(bodies(connection, "policy")) == [a.body, b.body]
    assert journal.document(b.fingerprint) == b
    assert journal.document("unknown") is None


def test_versions_are_read_a_page_at_a_time_and_by_name(journal: Journal) -> None:
    kept = [version(str(n), at=n) for n in range(5)]
    keep(journal, *kept, version("else", name="offers"))
    with journal.reading() as connection:
        first = versions(connection, "policy", most=2)
        second = versions(connection, "policy", first[-1][0], most=9)
    assert [each for _, each in (*first, *second)] == kept[::-1]


def test_of_many_who_bring_the_same_version_at_once_one_is_first(open_journal: Callable[[], Journal]) -> None:
    journals = [open_journal() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(lambda journal: keep(journal, version("{}"))[0], journals))
    assert sorted(kept) == [False, False, False, True]


def test_nobody_is_sampled_where_nobody_is_known(journal: Journal) -> None:
    with journal.reading() as connection:
        assert sample(connection, 10, seed=1) == []

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import apsw
import numpy as np
import pytest

from features.codec import Packed, SchemaMismatchError, pack
from features.domain import DAY, ChannelName, CustomerId, Event, EventId, Instant, Kind, OfferId
from features.fold import fold
from features.schema import EVIDENCE_SCHEMA
from features.state import close, empty
from features.stored import ACTIVITY, EVIDENCE, PROFILE, VIEWS, Row, Shape, Stored, state_to_row
from serving.feature_reader import FeatureReader
from serving.packed_file import PROJECT, count, create, get, open_to_read, open_to_write, publish, put, table_name
from serving.packed_redis import PackedRedis, connect
from serving.redis_reader import RedisReader
from serving.store import MemoryReader, PackedReader, SqliteReader, StoreUnavailableError
from tests.redis_server import redis_address, redis_server

NOW = Instant(1_700_000_000_000_000)
__all__ = ["redis_address", "redis_server"]
TTL_DAYS = 10.0
SOURCE = "files"
ANN, BOB = CustomerId("ann"), CustomerId("bob")


def event(number: int, at: int = NOW, **more: object) -> Event:
    return Event("s", EventId(str(number)), ANN, Kind.PURCHASED, ChannelName("store"), Instant(at), Instant(at), **more)  # type: ignore[arg-type]


def bought(n: int) -> Row:
    return state_to_row(fold(empty(), [event(i, value_minor=100) for i in range(n)]))


def shown(n: int) -> Row:
    sent = [replace(event(i), kind=Kind.SENT, channel=ChannelName("email")) for i in range(n)]
    return state_to_row(fold(empty(EVIDENCE_SCHEMA), sent, EVIDENCE_SCHEMA), EVIDENCE_SCHEMA)


def packed(row: Row, event_at: int = NOW, created_at: int | None = None) -> Packed:
    return Packed(Instant(event_at), Instant(event_at if created_at is None else created_at), 0, row)


TOLD = {Shape.FLOAT: 3.0, Shape.INT: NOW - DAY, Shape.TEXT: "Asia/Kolkata"}
PROFILE_ROW: Row = {column.name: TOLD[column.shape] for column in PROFILE.columns}


@dataclass
class Store:
    """A store under test: how values get in, and the reader that gets them out."""

    put: Callable[[Stored, str, Packed], None]
    reader: PackedReader


def sqlite_store(path: Path) -> Store:
    def write(view: Stored, key: str, value: Packed) -> None:
        with closing(open_to_write(path)) as con:
            put(con, table_name(PROJECT, view.name), [(key, pack(view, value))])

    with closing(open_to_write(path)) as con:
        for view in VIEWS:
            create(con, table_name(PROJECT, view.name))
    return Store(write, SqliteReader(path, TTL_DAYS))


def redis_store(address: str) -> Store:
    packed_redis = PackedRedis(connect(address), PROJECT, SOURCE)
    packed_redis.create()
    return Store(
        lambda view, key, value: packed_redis.put(view.name, [(key, pack(view, value))]),
        RedisReader(address, TTL_DAYS, PROJECT, SOURCE),
    )


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        memory = MemoryReader(TTL_DAYS)
        yield Store(memory.put, memory)
    elif request.param == "redis":
        yield redis_store(request.getfixturevalue("redis_address"))
    else:
        yield sqlite_store(tmp_path / "online.db")


def test_of_a_stranger_nothing_is_known(store: Store) -> None:
    assert store.reader.activity(ANN, NOW) is None
    assert store.reader.profile(ANN) is None
    assert store.reader.evidence(NOW) == {}


def test_what_was_put_is_read_back(store: Store) -> None:
    store.put(ACTIVITY, ANN, packed(bought(3)))
    store.put(PROFILE, ANN, packed(PROFILE_ROW))
    state, told = store.reader.activity(ANN, NOW), store.reader.profile(ANN)
    assert state is not None
    assert close(state, fold(empty(), [event(i, value_minor=100) for i in range(3)]))
    assert told is not None
    assert (told.zone, told.profile.value("gender"), told.profile.tenure_days(np.int64(NOW))) == ("Asia/Kolkata", 3, 1)  # type: ignore[arg-type]
    assert store.reader.activity(BOB, NOW) is None


def test_many_customers_are_read_at_once(store: Store) -> None:
    store.put(ACTIVITY, ANN, packed(bought(3)))
    store.put(ACTIVITY, BOB, packed(bought(1), NOW - int(TTL_DAYS * DAY) - 1))
    found = store.reader.activities([BOB, ANN, CustomerId("cyd")], NOW)
    assert list(found) == [ANN]
    assert close(found[ANN], fold(empty(), [event(i, value_minor=100) for i in range(3)]))
    assert store.reader.activities([], NOW) == {}


@pytest.mark.parametrize("n", [1, 2, 3, 16, 21])
def test_of_several_customers_that_is_told_which_is_told_of_each(store: Store, n: int) -> None:
    many = [CustomerId(f"c'{number}") for number in range(n)]
    for number, who in enumerate(many):
        if number % 3:
            store.put(ACTIVITY, who, packed(bought(number)))
        if number % 2:
            store.put(PROFILE, who, packed(PROFILE_ROW))
    some = [*many[::-1], many[0]]
    found = store.reader.several(some)
    assert [value for value, _ in found] == [store.reader.customer(who)[0] for who in some]
    assert [told and told.zone for _, told in found] == [
        told and told.zone for _, told in (store.reader.customer(who) for who in some)
    ]
    assert [value is not None for value, _ in found[:n]] == [number % 3 > 0 for number in reversed(range(n))]


def test_everybody_known_is_listed(store: Store) -> None:
    store.put(ACTIVITY, BOB, packed(bought(1)))
    store.put(PROFILE, "a:*[x]?", packed(PROFILE_ROW))
    assert store.reader.customers() == ["a:*[x]?", BOB]


def test_a_value_is_known_to_the_end_of_its_time_to_live_and_not_beyond(store: Store) -> None:
    store.put(ACTIVITY, ANN, packed(bought(1)))
    store.put(EVIDENCE, "o", packed(shown(1)))
    end = Instant(NOW + int(TTL_DAYS * DAY))
    assert store.reader.activity(ANN, end) is not None
    assert set(store.reader.evidence(end)) == {"o"}
    assert store.reader.activity(ANN, Instant(end + 1)) is None
    assert store.reader.evidence(Instant(end + 1)) == {}


def test_a_profile_holds_until_told_otherwise(store: Store) -> None:
    store.put(PROFILE, ANN, packed(PROFILE_ROW, NOW - 4_000 * DAY))
    assert store.reader.profile(ANN) is not None


def amount(store: Store) -> float:
    state = store.reader.activity(ANN, NOW)
    assert state is not None
    return float(state.memories[0].sums[0].max())


def test_an_older_value_never_replaces_a_newer_one(store: Store) -> None:
    store.put(ACTIVITY, ANN, packed(bought(2)))
    store.put(ACTIVITY, ANN, packed(bought(1), NOW - 1))
    assert amount(store) == 200
    store.put(ACTIVITY, ANN, packed(bought(3), NOW + 1))
    assert amount(store) == 300


def test_of_two_values_for_one_instant_the_later_made_stays(store: Store) -> None:
    store.put(ACTIVITY, ANN, packed(bought(1), NOW, NOW + 5))
    store.put(ACTIVITY, ANN, packed(bought(2), NOW, NOW + 5))
    assert amount(store) == 200
    store.put(ACTIVITY, ANN, packed(bought(3), NOW, NOW + 4))
    assert amount(store) == 200


def test_evidence_comes_for_every_offer(store: Store) -> None:
    for n, offer_id in enumerate(("a", "b", "*"), 1):
        store.put(EVIDENCE, offer_id, packed(shown(n)))
    found = store.reader.evidence(NOW)
    assert {key: state.memories[0].sums[0, 0] for key, state in found.items()} == {"a": 1, "b": 2, "*": 3}
    assert found[OfferId("b")].memories[1].keys == ("email",)


def test_a_value_of_another_build_is_refused(store: Store) -> None:
    store.put(replace(PROFILE, fingerprint="profile-0"), ANN, packed(PROFILE_ROW))
    with pytest.raises(SchemaMismatchError):
        store.reader.profile(ANN)


def test_many_threads_read_at_once(store: Store) -> None:
    store.put(ACTIVITY, ANN, packed(bought(3)))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.reader.activity(ANN, NOW), range(200)))
    assert all(state is not None and state.memories[0].sums.max() == 300 for state in found)


def asks(reader: FeatureReader) -> list[Callable[[], object]]:
    return [
        lambda: reader.activity(ANN, NOW),
        lambda: reader.profile(ANN),
        lambda: reader.several([ANN, BOB]),
        reader.customers,
        lambda: reader.evidence(NOW),
    ]


def test_without_a_file_every_question_says_so_with_the_remedy(tmp_path: Path) -> None:
    for ask in asks(SqliteReader(tmp_path / "online.db", TTL_DAYS)):
        with pytest.raises(StoreUnavailableError, match="make features"):
            ask()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_and_one_without_tables_are_unavailable(tmp_path: Path) -> None:
    broken, bare = tmp_path / "broken.db", tmp_path / "bare.db"
    broken.write_bytes(b"not a database, only words, and rather many of them" * 100)
    open_to_write(bare).close()
    for path in (broken, bare):
        for ask in asks(SqliteReader(path, TTL_DAYS)):
            with pytest.raises(StoreUnavailableError):
                ask()


def test_a_store_that_was_removed_and_comes_back_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    store = sqlite_store(path)
    store.put(ACTIVITY, ANN, packed(bought(1)))
    assert amount(store) == 100
    for file in tmp_path.iterdir():
        file.rename(tmp_path / f"away-{file.name}")
    with pytest.raises(StoreUnavailableError):
        store.reader.activity(ANN, NOW)
    other = sqlite_store(path)
    other.put(ACTIVITY, ANN, packed(bought(2)))
    assert amount(store) == 200


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    sqlite_store(tmp_path / "online.db")
    with closing(open_to_read(tmp_path / "online.db")) as con, pytest.raises(apsw.ReadOnlyError):
        con.execute(f"DELETE FROM {table_name(PROJECT, ACTIVITY.name)}")


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    table = table_name(PROJECT, ACTIVITY.name)

    def values() -> Iterator[tuple[str, bytes]]:
        yield ANN, pack(ACTIVITY, packed(bought(1)))
        raise RuntimeError("the source broke off")

    sqlite_store(tmp_path / "online.db")
    with closing(open_to_write(tmp_path / "online.db")) as con:
        with pytest.raises(RuntimeError):
            put(con, table, values())
        assert count(con, table) == 0
        put(con, table, [(ANN, pack(ACTIVITY, packed(bought(1))))])
        assert get(con, table, ANN) is not None


def test_publishing_leaves_exactly_what_was_staged_even_where_that_is_older(tmp_path: Path) -> None:
    live, staged = sqlite_store(tmp_path / "online.db"), sqlite_store(tmp_path / "staged.db")
    live.put(ACTIVITY, ANN, packed(bought(2), NOW + DAY))
    live.put(ACTIVITY, BOB, packed(bought(2)))
    staged.put(ACTIVITY, ANN, packed(bought(1)))
    assert amount(live) == 200
    publish(tmp_path / "staged.db", tmp_path / "online.db", [table_name(PROJECT, view.name) for view in VIEWS])
    assert amount(live) == 100
    assert live.reader.activity(BOB, NOW) is None


def test_the_names_of_project_and_view_cannot_break_out_of_the_table_name() -> None:
    with closing(apsw.Connection(":memory:")) as con:
        create(con, table_name('a"; DROP TABLE x; --', "v"))
        assert con.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").get == 1


def test_the_connection_of_a_thread_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "of_threads.db"
    with closing(open_to_write(path)) as con:
        create(con, table_name(PROJECT, PROFILE.name))
    reader, opened = SqliteReader(path, TTL_DAYS), Path("/proc/self/fd")

    def held() -> int:
        return sum(str(path) in str(each.resolve()) for each in opened.iterdir() if each.is_symlink())

    def ask() -> None:
        reader.profile(ANN)
        found.append(held())

    found: list[int] = []
    for _ in range(3):
        thread = Thread(target=ask)
        thread.start()
        thread.join()
        found.append(held())
    assert found == [found[0], 0] * 3
    assert found[0] > 0

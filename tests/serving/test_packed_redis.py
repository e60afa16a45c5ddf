from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.codec import HEADER, MAGIC, precedence
from features.domain import CustomerId, Instant
from features.stored import ACTIVITY, EVIDENCE, VIEWS
from serving.online import online_of
from serving.packed_redis import AT_ONCE, PackedRedis, connect, shown
from serving.redis_reader import RedisReader
from serving.redis_values import RedisValues
from serving.settings import read_settings
from serving.store import StoreUnavailableError
from tests.redis_server import redis_address, redis_server

__all__ = ["redis_address", "redis_server"]
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)
HEADERS = st.tuples(WHOLE, WHOLE, WHOLE)


@pytest.fixture
def packed(redis_address: str) -> PackedRedis:
    return PackedRedis(connect(redis_address), "kairos", "files")


def value(event_at: int, created_at: int, position: int, rest: bytes = b"") -> bytes:
    return HEADER.pack(MAGIC, b"schema", event_at, created_at, position) + rest


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(old=HEADERS, new=HEADERS, same=st.integers(0, 3))
def test_the_server_keeps_which_value_the_order_of_values_says(
    packed: PackedRedis, old: tuple[int, int, int], new: tuple[int, int, int], same: int
) -> None:
    new = (*old[:same], *new[same:])  # else hardly any two would be equal in anything
    first, second = value(*old, b"old"), value(*new, b"new")
    packed.remove("activity", ["k"])
    packed.put("activity", [("k", first)])
    packed.put("activity", [("k", second)])
    assert packed.get("activity", "k") == (second if precedence(second) >= precedence(first) else first)


def test_the_keys_are_as_documented(packed: PackedRedis) -> None:
    packed.put("activity", [("ann", value(1, 1, 1))])
    assert packed.client.keys("*") == [b"kairos:files:activity:ann"]


def test_more_than_one_batch_is_written_read_and_removed_and_progress_hears_of_all(packed: PackedRedis) -> None:
    for view in VIEWS:
        many = [(f"{n:05}", value(n, n, n)) for n in range(2 * AT_ONCE + 1)]
        heard: list[int] = []
        packed.put(view.name, iter(many), heard.append)
        assert heard == [AT_ONCE, AT_ONCE, 1]
        assert packed.get_all(view.name) == many
        assert packed.get_many(view.name, [key for key, _ in many[::-1]]) == [found for _, found in many[::-1]]
        packed.drop(view.name)
        assert packed.get_all(view.name) == []


def test_publishing_leaves_exactly_what_is_published_even_where_that_is_older(packed: PackedRedis) -> None:
    other = PackedRedis(packed.client, "kairos", "starbucks")
    for view in (ACTIVITY.name, EVIDENCE.name):
        other.put(view, [("ann", value(1, 1, 1))])
        packed.put(view, [("ann", value(9, 9, 9)), ("bob", value(9, 9, 9))])
        packed.publish(view, [("ann", value(1, 1, 1)), ("cyd", value(1, 1, 1))])
        assert packed.get_all(view) == [("ann", value(1, 1, 1)), ("cyd", value(1, 1, 1))]
        assert other.get_all(view) == [("ann", value(1, 1, 1))]


def test_the_revision_grows_with_what_is_read_as_a_whole_only(packed: PackedRedis) -> None:
    assert packed.revision() is None
    packed.put(ACTIVITY.name, [("ann", value(1, 1, 1))])
    assert packed.revision() is None
    seen = []
    for change in (
        lambda: packed.create(),
        lambda: packed.put(EVIDENCE.name, [("o", value(1, 1, 1))]),
        lambda: packed.publish(EVIDENCE.name, [("o", value(1, 1, 1))]),
        lambda: packed.drop(EVIDENCE.name),
    ):
        change()
        seen.append(packed.revision())
    assert seen == [0, 1, 2, 3]


def asks(address: str) -> Iterator[Callable[[], object]]:
    at, ann = Instant(0), CustomerId("ann")
    reader = RedisReader(address, 400, "kairos", "files")
    yield lambda: reader.activity(ann, at)
    yield lambda: reader.profile(ann)
    yield lambda: reader.activities([ann], at)
    yield reader.customers
    yield lambda: reader.evidence(at)


def test_without_a_server_and_without_values_every_question_says_so_with_the_remedy(
    redis_address: str, tmp_path: Path
) -> None:
    nobody = f"unix://:secret@{tmp_path}/socket"
    for address in (redis_address, nobody):
        for ask in asks(address):
            with pytest.raises(StoreUnavailableError, match="make features") as caught:
                ask()
            assert "secret" not in str(caught.value)
    assert RedisReader(nobody, 400, "kairos", "files").stamp() is None
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        RedisValues(nobody, "kairos", "files").put([(CustomerId("ann"), value(1, 1, 1))])


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("redis://kairos:secret@host:6379/0?password=secret") == "redis://host:6379/0"
    assert shown("redis://host/0") == "redis://host/0"


def test_the_setting_chooses_the_store(redis_address: str) -> None:
    chosen = online_of(read_settings({"KAIROS_ONLINE": redis_address}))
    assert isinstance(chosen.reader, RedisReader)
    assert isinstance(chosen.values, RedisValues)
    assert not isinstance(online_of(read_settings({})).reader, RedisReader)


def test_one_process_has_one_pool(redis_address: str) -> None:
    assert connect(redis_address).connection_pool is connect(redis_address).connection_pool

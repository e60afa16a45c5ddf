"""Reads and writes of one customer's features: Feast's own stores on SQLite and Redis, Feast on ours, the service.

All in turns in one run, on one thread, for the same customers and features. CPU time of the process that asks: what a
server of Redis spends is not in it. ``make bench PART=reads``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from feast import FeatureStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from features.domain import CustomerId, Instant
from features.packed_state import PackedState, pack_state, unpack_state
from features.stored import ACTIVITY, PROFILE, VIEWS, state_from_row
from serving.packed_file import PROJECT, open_to_read, publish, table_name
from serving.redis_reader import RedisReader
from serving.redis_values import RedisValues
from serving.settings import Settings, read_settings
from serving.store import PackedReader, SqliteReader
from serving.values import SqliteValues, Values
from tests.bench.load import HOST
from tests.bench.ours import customers_of
from tests.bench.peers import all_refs, feasts_own, refs, rows_of
from tests.bench.redis import redis_server
from tests.bench.report import Figure, medians, spread_table, write
from training.feature_store import open_store
from training.offered import build_catalogue
from training.publication import publish_online

ROUNDS, READS, PUSHES = 9, 100, 4
Call = tuple[Callable[[], object], int]
"""What is measured, with how many customers one call is about."""


def contenders(settings: Settings, folder: Path, customers: list[str], port: int) -> dict[str, Call]:
    """Every contender by name."""
    at, some = build_catalogue(settings).now, customers[:READS]
    copy = folder / "online.db"
    publish(settings.online_file, copy, [table_name(PROJECT, view.name) for view in VIEWS])
    on_redis = replace(settings, online=f"redis://{HOST}:{port}/0")
    publish_online(on_redis, copy, progress=False)
    readers: dict[str, tuple[PackedReader, Values]] = {
        "SQLite": (SqliteReader(copy, settings.feature_ttl_days), SqliteValues(copy)),
        "Redis": (
            RedisReader(str(on_redis.online), settings.feature_ttl_days, PROJECT, settings.source),
            RedisValues(str(on_redis.online), PROJECT, settings.source),
        ),
    }
    stores = {
        "SQLite": (feasts_own(settings, folder, customers)[1], open_store(settings, copy)),
        "Redis": (feasts_own(settings, folder, customers, port)[1], open_store(on_redis)),
    }
    row = rows_of(settings, ACTIVITY.name, customers[:1])
    found: dict[str, Call] = {}
    for where, (theirs, on_ours) in stores.items():
        reader, values = readers[where]
        found |= {f"{where}, Feast's own: {name}": call for name, call in _feast(theirs, some).items()}
        found |= {f"{where}, Feast on ours: {name}": call for name, call in _feast(on_ours, some).items()}
        found |= {f"{where}, the service: {name}": call for name, call in _service(reader, values, some, at).items()}
        states = [(CustomerId(c), reader.activity(CustomerId(c), at)) for c in some]
        found[f"{where}, Feast's own: push of one row"] = _repeated(
            lambda store=theirs: store.write_to_online_store(ACTIVITY.name, row), PUSHES
        )
        found[f"{where}, the service: one row updated"] = (lambda v=values, s=states: _update(v, s, at), READS)
    return found


def _feast(store: FeatureStore, customers: list[str]) -> dict[str, Call]:
    view, provider = store.get_feature_view(ACTIVITY.name), store._get_provider()
    keys = [EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=c)]) for c in customers]
    numbers, everything = refs(), all_refs()
    wanted = [ref.partition(":")[2] for ref in numbers if ref.startswith(ACTIVITY.name)]

    def get(features: list[str]) -> Callable[[str], Any]:
        return lambda c: store.get_online_features(features=features, entity_rows=[{"customer_id": c}])

    def state(key: EntityKey) -> object:
        ((_, row),) = provider.online_read(store.config, view, [key])
        return state_from_row({name: _array(value) for name, value in row.items()})

    calls: dict[str, tuple[Callable[[Any], object], list[Any]]] = {
        "online_read, one view": (lambda key: provider.online_read(store.config, view, [key]), keys),
        "online_read, its numbers": (lambda key: provider.online_read(store.config, view, [key], wanted), keys),
        "online_read, until arrays": (state, keys),
        "get_online_features, all": (get(everything), customers),
        "get_online_features, all, to_dict": (lambda c: get(everything)(c).to_dict(), customers),
        "get_online_features, numbers": (get(numbers), customers),
        "get_online_features, numbers, to_dict": (lambda c: get(numbers)(c).to_dict(), customers),
        "get_online_features, numbers, message": (lambda c: get(numbers)(c).proto, customers),
    }
    return {name: _each(call, asked) for name, (call, asked) in calls.items()}


def _array(value: Value) -> Any:
    """What a message says, as the model needs it."""
    held = getattr(value, value.WhichOneof("val"))
    return np.array(held.val) if hasattr(held, "val") and not value.HasField("string_list_val") else _texts(held)


def _texts(held: Any) -> Any:
    return list(held.val) if hasattr(held, "val") else held


def _service(reader: PackedReader, values: Values, customers: list[str], at: Instant) -> dict[str, Call]:
    def both(customer: CustomerId) -> None:
        reader.activity(customer, at)
        reader.profile(customer)

    ids = [CustomerId(c) for c in customers]
    return {
        "one view": _each(lambda c: reader.activity(c, at), ids),
        "one view, unpacked anew": _each(lambda c: unpack_state(ACTIVITY, values.get(c) or b""), ids),
        "all": _each(both, ids),
        "all of 100 customers at once": (lambda: reader.activities(ids, at), len(ids)),
    }


def _update(values: Values, states: list[tuple[CustomerId, Any]], at: Instant) -> None:
    for customer, state in states:
        values.put([(customer, pack_state(ACTIVITY, PackedState(at, at, 0, state)))])


def _each(call: Callable[[Any], object], asked: list[Any]) -> Call:
    def every() -> None:
        for one in asked:
            call(one)

    return every, len(asked)


def _repeated(call: Callable[[], object], times: int) -> Call:
    return _each(lambda _: call(), list(range(times)))


def measure(settings: Settings) -> dict[str, list[float]]:
    """CPU time for one customer in microseconds, by contender, one figure a round; a first round does not count."""
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(dir=settings.data_dir, prefix="bench-")))
        port = running.enter_context(redis_server())
        found = contenders(settings, folder, customers_of(settings), port)
        rounds: dict[str, list[float]] = {name: [] for name in found}
        for number in range(ROUNDS + 1):
            for name, (call, n) in found.items():
                started = time.process_time()
                call()
                if number:
                    rounds[name].append((time.process_time() - started) * 1e6 / n)
    return rounds


def figures(middle: dict[str, float]) -> list[Figure]:
    """What is aimed at."""

    def times(where: str, theirs: str, ours: str) -> float:
        return middle[f"{where}, Feast's own: {theirs}"] / middle[f"{where}, {ours}"]

    found = []
    for where, aim, least in (("SQLite", 15.0, 8.0), ("Redis", 4.5, 3.0)):
        one = times(where, "online_read, one view", "the service: one view")
        anew = times(where, "online_read, one view", "the service: one view, unpacked anew")
        arrays = times(where, "online_read, until arrays", "the service: one view, unpacked anew")
        found += [
            Figure(f"{where}: online_read ÷ our read into arrays", one, aim, least),
            Figure(f"{where}: online_read ÷ our read into arrays, unpacked anew", anew, aim, least),
            Figure(f"{where}: online_read and arrays of it ÷ the same", arrays, aim, least),
        ]
    got, said = "get_online_features, numbers", "get_online_features, numbers, to_dict"
    sqlite = "Feast's SQLite ÷ Feast on ours"
    return [
        *found,
        Figure(f"get_online_features: {sqlite}", times("SQLite", got, f"Feast on ours: {got}"), 15, 8),
        Figure(f"get_online_features and to_dict: {sqlite}", times("SQLite", said, f"Feast on ours: {said}"), 15, 8),
        Figure(
            "get_online_features and to_dict, lists too: " + sqlite,
            times("SQLite", "get_online_features, all, to_dict", "Feast on ours: get_online_features, all, to_dict"),
            15,
            8,
        ),
        Figure(
            "get_online_features: Feast's SQLite ÷ the service's read of all",
            times("SQLite", "get_online_features, all", "the service: all"),
            15,
            8,
        ),
        Figure("one-row update", times("SQLite", "push of one row", "the service: one row updated"), 20, 10),
    ]


def main() -> None:
    """Measure, print, and write the report."""
    settings = read_settings(os.environ)
    rounds = measure(settings)
    n = {view.name: len(view.columns) for view in (ACTIVITY, PROFILE)}
    value = _mean_bytes(settings)
    heading = f"contender ({n['activity']} + {n['profile']} columns, {len(refs())} of them numbers; {value:,.0f} bytes)"
    write(settings, "reads", figures(medians(rounds)), spread_table(rounds, "CPU µs per customer", heading), {**rounds})


def _mean_bytes(settings: Settings) -> float:
    with closing(open_to_read(settings.online_file)) as con:
        return float(con.execute(f"SELECT avg(length(value)) FROM {table_name(PROJECT, ACTIVITY.name)}").get)


if __name__ == "__main__":
    main()

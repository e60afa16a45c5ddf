"""Every call of Feast on the packed store. Feast takes seconds to import, hence slow."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureStore
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from features.codec import Packed, pack
from features.domain import DAY, CustomerId, Instant
from features.schema import EVIDENCE_SCHEMA
from features.stored import ACTIVITY, EVIDENCE, PROFILE, VIEWS, Shape
from serving.feast_rows import WriteError
from serving.packed_file import PROJECT, get_all, open_to_read, table_name
from serving.redis_reader import RedisReader
from serving.settings import Settings
from serving.store import PackedReader, SqliteReader
from tests.oracle import of_state
from tests.redis_server import redis_address, redis_server
from training.bulk import packed, write_newest
from training.feature_store import REPO, apply_definitions, open_store
from training.offered import build_catalogue
from training.retrieve import RetrievalError, retrieve_customers, retrieve_evidence

__all__ = ["redis_address", "redis_server"]
pytestmark = pytest.mark.slow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


Own = tuple[FeatureStore, PackedReader]


@pytest.fixture(params=["sqlite", "redis"])
def own_store(request: pytest.FixtureRequest, small_store: Settings, tmp_path: Path) -> Own:
    """Feast on the small world's registry with an empty online store of its own, and the service's reader of it."""
    if request.param == "sqlite":
        online = tmp_path / "online.db"
        return open_store(small_store, online), SqliteReader(online, small_store.feature_ttl_days)
    address: str = request.getfixturevalue("redis_address")
    store = open_store(replace(small_store, online=address))
    return store, RedisReader(address, small_store.feature_ttl_days, PROJECT, small_store.source)


def stored_row(settings: Settings, view: str, where: str) -> dict[str, Any]:
    (row,) = (
        duckdb.sql(
            f"SELECT * FROM '{settings.feast_dir / view}.parquet' WHERE {where} ORDER BY event_timestamp DESC LIMIT 1"
        )
        .to_arrow_table()
        .to_pylist()
    )
    return row


def same_value(left: Any, right: Any) -> bool:
    if isinstance(left, list):
        return left == right
    return left == right or bool(np.isnan(left) and (right is None or np.isnan(right)))


def test_definitions_are_what_is_stored(small_store: Settings) -> None:
    store = open_store(small_store)
    views = {view.name: view for view in store.list_feature_views()}
    assert set(views) == {view.name for view in VIEWS}
    for stored in VIEWS:
        assert [f.name for f in views[stored.name].features] == [c.name for c in stored.columns]
        assert [e.name for e in views[stored.name].entity_columns] == [stored.entity]
    assert views[ACTIVITY.name].ttl == timedelta(days=small_store.feature_ttl_days)
    assert {service.name for service in store.list_feature_services()} == {
        "channel_response",
        "offer_response",
        "organic",
    }


def test_online_features_are_the_newest_row_known_by_now(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    names = [c.name for c in ACTIVITY.columns]
    found = (
        open_store(small_store)
        .get_online_features(
            features=[f"activity:{name}" for name in names],
            entity_rows=[{"customer_id": "c001"}, {"customer_id": "nobody"}],
        )
        .to_dict()
    )
    expected = stored_row(small_store, "activity", f"customer_id = 'c001' AND reference_us = {catalogue.now}")
    assert all(same_value(expected[name], found[name][0]) for name in names)
    assert {found[name][1] for name in names} == {None}


def test_our_answer_is_the_one_that_feast_makes_of_what_it_reads(small_store: Settings) -> None:
    store = open_store(small_store)
    customer, offer = {"customer_id": "c001"}, {"offer_id": "reward-wine"}
    everything = [f"{view.name}:{c.name}" for view in (PROFILE, ACTIVITY) for c in reversed(view.columns)]
    questions: list[tuple[Any, list[dict[str, Any]], bool]] = [
        (everything, [customer], False),
        (everything, [customer, {"customer_id": "nobody"}, {"customer_id": "c002"}, customer], False),
        (["activity:category_sums", "profile:zone", "activity:reference_us"], [customer], False),
        (["profile:zone"], [{"customer_id": "nobody"}], True),
        (store.get_feature_service("organic"), [offer | customer, {"customer_id": "c002", "offer_id": "*"}], True),
        (["profile:zone"], [customer | {"unheard_of": 3}], False),
    ]
    own = store._get_provider().online_store
    for features, rows, full_names in questions:
        ours = store.get_online_features(features, rows, full_names)
        theirs = OnlineStore.get_online_features(
            own, store.config, features, rows, store.registry, store.project, full_names
        )
        assert str(ours.proto) == str(theirs.proto)
        assert repr(ours.to_dict()) == repr(theirs.to_dict())
        assert repr(ours.to_dict(True)) == repr(theirs.to_dict(True))


def test_what_feast_refuses_is_refused(small_store: Settings) -> None:
    store = open_store(small_store)
    with pytest.raises(KeyError, match="customer_id"):
        store.get_online_features(["profile:zone"], [{"offer_id": "reward-wine"}])
    with pytest.raises(ValueError, match="entity_rows"):
        store.get_online_features(["profile:zone"], [{"customer_id": "c001"}, {"customer_id": "c002", "more": "x"}])


def test_a_feature_service_answers_for_customer_and_offer(small_store: Settings) -> None:
    store = open_store(small_store)
    found = store.get_online_features(
        features=store.get_feature_service("offer_response"),
        entity_rows=[{"customer_id": "c001", "offer_id": "reward-wine"}],
        full_feature_names=True,
    ).to_dict()
    assert found["offer_evidence__evidence_contacts_180d"][0] > 0
    assert found["profile__zone"] == ["America/New_York"]


def test_the_service_reads_what_feast_wrote(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    reader = SqliteReader(small_store.online_file, small_store.feature_ttl_days)
    state, told = reader.activity(CustomerId("c002"), catalogue.now), reader.profile(CustomerId("c002"))
    assert state is not None
    assert told is not None
    assert (state.reference, told.zone) == (catalogue.now, "Asia/Kolkata")
    assert set(reader.evidence(catalogue.now)) == {*(o.offer_id for o in catalogue.offers), "*"}


def test_a_pushed_row_is_read_back_by_feast_and_by_the_service(small_store: Settings, own_store: Own) -> None:
    store, reader = own_store
    row = stored_row(small_store, "profile", "customer_id = 'c001'")
    store.write_to_online_store("profile", pd.DataFrame([row | {"age_years": 33.0, "zone": "Europe/Paris"}]))
    found = store.get_online_features(["profile:age_years", "profile:zone"], [{"customer_id": "c001"}]).to_dict()
    assert (found["age_years"], found["zone"]) == ([33.0], ["Europe/Paris"])
    told = reader.profile(CustomerId("c001"))
    assert told is not None
    assert (told.zone, float(told.profile.value("age_years"))) == ("Europe/Paris", 33.0)


def test_feasts_push_goes_the_same_way(small_store: Settings, own_store: Own) -> None:
    store, reader = own_store
    row = stored_row(small_store, "activity", "customer_id = 'c001'")
    store.push("activity_push", pd.DataFrame([row | {"customer_id": "pushed"}]))
    state = reader.activity(CustomerId("pushed"), row["reference_us"])
    assert state is not None
    assert state.reference == row["reference_us"]


def test_lists_survive_a_push_and_empty_ones_too(small_store: Settings, own_store: Own) -> None:
    store, _ = own_store
    full = stored_row(small_store, "activity", "customer_id = 'c001' AND len(offer_keys) > 0")
    lists = [c.name for c in ACTIVITY.columns if c.shape in (Shape.FLOATS, Shape.INTS, Shape.TEXTS)]
    bare = full | {"customer_id": "bare"} | {name: [] for name in lists}
    store.write_to_online_store("activity", pd.DataFrame([full, bare]))
    names = ["category_keys", "category_sums", "category_instants_us"]
    entities = [{"customer_id": "c001"}, {"customer_id": "bare"}]
    found = store.get_online_features([f"activity:{name}" for name in names], entities).to_dict()
    for name in names:
        assert found[name] == [full[name], []]


def test_an_older_row_never_replaces_a_newer_one(small_store: Settings, own_store: Own) -> None:
    store, _ = own_store
    row = stored_row(small_store, "profile", "customer_id = 'c001'")
    at = row["event_timestamp"]
    for days, age in ((0, 40.0), (-1, 30.0), (0, 41.0)):
        changed = {"age_years": age, "event_timestamp": at + timedelta(days=days)}
        store.write_to_online_store("profile", pd.DataFrame([row | changed]))
    found = store.get_online_features(["profile:age_years"], [{"customer_id": "c001"}]).to_dict()
    assert found["age_years"] == [41.0]


def test_a_push_without_every_feature_is_refused_by_name(small_store: Settings, own_store: Own) -> None:
    store, _ = own_store
    row = stored_row(small_store, "profile", "customer_id = 'c001'")
    with pytest.raises(KeyError, match="age_years"):
        store.write_to_online_store("profile", pd.DataFrame([row]).drop(columns="age_years"))
    with pytest.raises(WriteError, match="zone must be a text, not null"):
        store.write_to_online_store("profile", pd.DataFrame([row | {"zone": None}]))
    data = [(customer_key("c001"), {name: value for name, value in PROTO.items() if name != "zone"}, moment(DAY), None)]
    view = store.get_feature_view("profile")
    with pytest.raises(WriteError, match="profile lacks zone"):
        store._get_provider().online_store.online_write_batch(store.config, view, data, None)


GIVEN = {Shape.FLOAT: Value(double_val=1.0), Shape.INT: Value(int64_val=1), Shape.TEXT: Value(string_val="UTC")}
PROTO = {c.name: GIVEN[c.shape] for c in PROFILE.columns}


def customer_key(customer_id: str) -> EntityKey:
    return EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=customer_id)])


def test_progress_hears_of_every_row(own_store: Own) -> None:
    store, _ = own_store
    heard: list[int] = []
    keys = [customer_key(str(number)) for number in range(3)]
    backend = store._get_provider().online_store
    view = store.get_feature_view("profile")
    data = [(key, PROTO, moment(DAY), None) for key in keys]
    backend.online_write_batch(store.config, view, data, heard.append)
    assert sum(heard) == 3
    read = backend.online_read(store.config, view, [keys[2], *keys[:1]], ["zone"])
    assert [(at, set(values)) for at, values in read] == [(moment(DAY), {"zone"})] * 2
    assert backend.online_read(store.config, view, [customer_key("stranger")]) == [(None, None)]


def test_rows_kept_by_another_entity_are_refused(own_store: Own) -> None:
    store, _ = own_store
    key = EntityKey(join_keys=["offer_id"], entity_values=[Value(string_val="o")])
    view = store.get_feature_view("profile")
    with pytest.raises(WriteError, match="kept by customer_id, not by offer_id"):
        store._get_provider().online_store.online_write_batch(
            store.config, view, [(key, PROTO, moment(DAY), None)], None
        )


def test_materialise_writes_what_was_known_by_the_end_and_nothing_later(small_store: Settings, own_store: Own) -> None:
    store, reader = own_store
    ends = build_catalogue(small_store).now - 40 * DAY
    store.materialize(datetime(1970, 1, 2, tzinfo=UTC), moment(ends))
    for customer in ("c000", "c001", "c002"):
        row = stored_row(small_store, "activity", f"customer_id = '{customer}' AND reference_us <= {ends}")
        state = reader.activity(CustomerId(customer), ends)
        assert state is not None
        assert state.reference == row["reference_us"] <= ends
    assert all(state.reference <= ends for state in reader.evidence(ends).values())


def test_written_from_arrow_are_the_bytes_that_feast_materializes(small_store: Settings, tmp_path: Path) -> None:
    now = Instant(build_catalogue(small_store).now - 40 * DAY)
    theirs, ours = tmp_path / "theirs.db", tmp_path / "ours.db"
    open_store(small_store, theirs).materialize(datetime(1970, 1, 2, tzinfo=UTC), moment(now))
    heard: list[int] = []
    for view in VIEWS:
        file = small_store.feast_dir / f"{view.name}.parquet"
        write_newest(open_store(small_store, ours), ours, view, file, now, heard.append)
        table = table_name(PROJECT, view.name)
        with closing(open_to_read(theirs)) as left, closing(open_to_read(ours)) as right:
            assert get_all(left, table) == get_all(right, table)
    assert sum(heard) > 200


def test_arrow_rows_without_a_value_or_with_the_parting_byte_are_written_as_feast_would() -> None:
    row: dict[str, Any] = {"customer_id": "c", "event_timestamp": moment(5), "created_timestamp": moment(4)}
    row |= {c.name: {Shape.FLOAT: 1.0, Shape.INT: 2}.get(c.shape, []) for c in ACTIVITY.columns}
    rows = [row, row | {"category_keys": ["a\0b", ""]}, row | {"customer_active_120d": None, "offer_keys": None}]
    table = pa.Table.from_pylist(rows, pa.schema([(name, _arrow(name)) for name in row]))
    expected = [r | {"customer_active_120d": r["customer_active_120d"] or float("nan")} for r in rows]
    expected = [r | {"offer_keys": r["offer_keys"] or []} for r in expected]
    for batch in (table, *(table.slice(at, 1) for at in range(3))):
        found = [value for each in batch.to_batches() for _, value in packed(ACTIVITY, each)]
        wanted = expected if len(found) == 3 else [r for r in expected if pack_row(r) in found]
        assert found == [pack_row(r) for r in wanted]


def pack_row(row: dict[str, Any]) -> bytes:
    return pack(ACTIVITY, Packed(Instant(5), Instant(4), 0, row))


def _arrow(name: str) -> pa.DataType:
    shape = {c.name: c.shape for c in ACTIVITY.columns}.get(name)
    if shape is None:
        return pa.string() if name == "customer_id" else pa.timestamp("us", "UTC")
    single = {Shape.FLOAT: pa.float64(), Shape.INT: pa.int64()}
    several = {Shape.FLOATS: pa.float64(), Shape.INTS: pa.int64(), Shape.TEXTS: pa.string()}
    return pa.list_(several[shape]) if shape in several else single[shape]


def test_teardown_leaves_no_value(small_store: Settings, own_store: Own) -> None:
    store, _ = own_store
    row = stored_row(small_store, "profile", "customer_id = 'c001'")
    store.write_to_online_store("profile", pd.DataFrame([row]))
    backend = store._get_provider().online_store
    backend.teardown(store.config, store.list_feature_views(), store.list_entities())
    found = store.get_online_features(["profile:zone"], [{"customer_id": "c001"}]).to_dict()
    assert found["zone"] == [None]


def history(settings: Settings) -> tuple[list[str], np.ndarray]:
    asked = duckdb.sql(
        f"SELECT customer_id, epoch_us(decided_at) AS at_us FROM '{settings.contract_dir}/decisions.parquet' "
        "ORDER BY hash(decision_id) LIMIT 300"
    ).to_arrow_table()
    return asked["customer_id"].to_pylist(), asked["at_us"].to_numpy()


def test_history_comes_in_the_asked_order_one_row_each(small_store: Settings) -> None:
    customers, at = history(small_store)
    found = retrieve_customers(open_store(small_store), customers, at)
    assert found["customer_id"].to_pylist() == customers
    assert found["reference_us"].to_pylist() == at.tolist()


def test_a_question_between_two_rows_gets_the_earlier_one(small_store: Settings) -> None:
    customers, at = history(small_store)
    found = retrieve_customers(open_store(small_store), customers, at + 1)
    assert found["reference_us"].to_pylist() == at.tolist()
    before = retrieve_customers(open_store(small_store), customers, at - 1)
    assert all(
        known is None or known < asked for known, asked in zip(before["reference_us"].to_pylist(), at, strict=True)
    )


def test_the_time_to_live_is_the_same_in_history_as_online(small_store: Settings) -> None:
    now = build_catalogue(small_store).now
    reader = SqliteReader(small_store.online_file, small_store.feature_ttl_days)
    end = now + int(small_store.feature_ttl_days * DAY)
    store = open_store(small_store)
    for at, known in ((end, True), (end + 1, False)):
        found = retrieve_customers(store, ["c001"], np.array([at]))
        assert (found["reference_us"][0].as_py() is not None) is known
        assert (reader.activity(CustomerId("c001"), at) is not None) is known  # type: ignore[arg-type]
        shown = retrieve_evidence(store, ["reward-wine"], np.array([at]))  # type: ignore[list-item]
        assert (shown["reference_us"][0].as_py() is not None) is known
        assert bool(reader.evidence(at)) is known  # type: ignore[arg-type]


def test_of_a_stranger_and_of_a_time_before_all_events_history_knows_nothing(small_store: Settings) -> None:
    found = retrieve_customers(open_store(small_store), ["nobody", "c001"], np.array([2 * DAY, 2 * DAY]))
    assert found["reference_us"].to_pylist() == [None, None]
    assert found["zone"].to_pylist() == [None, None]


def test_a_profile_is_not_known_before_it_was_told(small_store: Settings) -> None:
    (late,) = duckdb.sql(
        f"SELECT customer_id, epoch_us(known_at) FROM '{small_store.contract_dir}/customers.parquet' "
        "ORDER BY known_at DESC LIMIT 1"
    ).fetchall()
    found = retrieve_customers(open_store(small_store), [late[0]] * 2, np.array([late[1] - 1, late[1]]))
    assert [zone is not None for zone in found["zone"].to_pylist()] == [False, True]


def test_knowledge_from_after_the_instant_stops_the_run(small_store: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from training import retrieve

    right: Callable[..., Any] = retrieve._ask
    monkeypatch.setattr(retrieve, "_ask", lambda store, views, asked: right(store, views, asked).set_column(
        1, "reference_us", [[10**18] * len(asked)]
    ))  # fmt: skip
    with pytest.raises(RetrievalError, match="after the one asked for"):
        retrieve_customers(open_store(small_store), ["c001"], np.array([build_catalogue(small_store).now]))


def test_evidence_of_a_coupon_counts_its_mailing_and_evidence_of_the_mailing_its_coupons(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    reader = SqliteReader(small_store.online_file, small_store.feature_ttl_days)
    states = {
        key: of_state(state, catalogue.now, EVIDENCE_SCHEMA) for key, state in reader.evidence(catalogue.now).items()
    }
    contacts = {key: found["evidence", ""][0][0] for key, found in states.items()}
    redeemed = {key: found["evidence", ""][0][2] for key, found in states.items()}
    assert contacts["coupon-wine"] == pytest.approx(contacts["mailing"]) != 0
    coupons = ["coupon-wine", "coupon-coffee"]
    assert redeemed["mailing"] == pytest.approx(_first_redemptions(small_store, coupons, catalogue.now)) != 0
    assert redeemed["coupon-wine"] == pytest.approx(_first_redemptions(small_store, coupons[:1], catalogue.now)) != 0
    assert redeemed["mailing"] < redeemed["coupon-wine"] + redeemed["coupon-coffee"]


def _first_redemptions(store: Settings, offers: list[str], now: int) -> float:
    """One per customer, the first that was known, with a half-life of 180 days."""
    events = duckdb.sql(
        f"SELECT customer_id, epoch_us(received_at), epoch_us(least(occurred_at, received_at)), offer_id "
        f"FROM '{store.contract_dir}/events.parquet' WHERE kind = 'redeemed' AND epoch_us(received_at) <= {now}"
    ).fetchall()
    first: dict[str, tuple[int, int]] = {}
    for customer, received, counts, offer in events:
        if offer in offers:
            first[customer] = min(first.get(customer, (received, counts)), (received, counts))
    return sum(2.0 ** (-(now - counts) / DAY / 180) for _, counts in first.values())


def test_feasts_own_command_line_works_on_the_written_configuration(small_store: Settings) -> None:
    file = small_store.feast_dir / "feature_store.yaml"
    command = ["-c", str(REPO), "-f", str(file), "feature-views", "list"]
    ran = subprocess.run(
        [sys.executable, "-m", "feast.cli.cli", *command], capture_output=True, text=True, check=False, cwd=REPO.parent
    )
    assert ran.returncode == 0, ran.stderr
    assert all(view.name in ran.stdout for view in VIEWS)


def test_applying_twice_changes_nothing(small_store: Settings, tmp_path: Path) -> None:
    store = open_store(small_store, tmp_path / "online.db")
    before = sorted(view.name for view in store.list_feature_views())
    apply_definitions(small_store, store)
    assert sorted(view.name for view in store.list_feature_views()) == before == sorted(v.name for v in VIEWS)
    assert EVIDENCE.name in before

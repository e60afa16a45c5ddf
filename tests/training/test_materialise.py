"""``make features`` on the small world. Feast takes seconds to import, hence slow."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import Catalogue
from features.domain import DAY, CustomerId
from features.errors import ContractError
from features.instant import format_instant, parse_instant
from features.stored import ACTIVITY, PROFILE, VIEWS
from features.vector import BY_NAME
from serving.batch_files import BatchFiles
from serving.journal.erasure import Known
from serving.packed_file import PROJECT, get_all, open_to_read, table_name
from serving.packed_redis import PackedRedis, connect
from serving.settings import Settings, read_settings
from serving.store import SqliteReader
from training import materialise as module
from training.assemble import ASKED, assemble
from training.feature_store import open_store
from training.materialise import MaterialiseError, main, materialise
from training.offered import build_catalogue

pytestmark = pytest.mark.slow


@pytest.fixture
def own_world(small_world: Settings, tmp_path: Path) -> Settings:
    """The small world in a folder that may be changed."""
    settings = replace(small_world, data_dir=tmp_path)
    shutil.copytree(small_world.contract_dir, settings.contract_dir)
    return settings


def environ(settings: Settings) -> dict[str, str]:
    return {
        "KAIROS_DATA_DIR": str(settings.data_dir),
        "KAIROS_SOURCE": settings.source,
        "KAIROS_THREADS": "1",
        "KAIROS_FEATURE_TTL_DAYS": str(settings.feature_ttl_days),
    }


def test_the_catalogue_comes_back_unchanged_from_its_file(small_store: Settings) -> None:
    read = Catalogue.from_json(small_store.catalogue_file.read_text())
    assert read == build_catalogue(small_store)
    assert (len(read.offers), read.kinds, read.fingerprint) == (8, ("coupon", "reward"), "small-world-11-200")


def test_history_ends_with_what_was_received_last_unless_a_setting_says_otherwise(small_world: Settings) -> None:
    events = small_world.contract_dir / "events.parquet"
    (last,) = duckdb.sql(f"SELECT epoch_us(max(received_at)) FROM '{events}'").fetchall()
    assert build_catalogue(small_world).now == last[0]
    as_of = parse_instant("2024-03-01T00:00:00Z")
    assert build_catalogue(replace(small_world, as_of=as_of)).now == as_of


def test_consents_are_assumed_for_demonstrations_only_and_said_so(own_world: Settings) -> None:
    table = own_world.contract_dir / "channels.parquet"
    rows = [{**row, "consent_purpose": "email_marketing"} for row in pq.read_table(table).to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows), table)
    strict = build_catalogue(own_world)
    assert strict.consents_assumed == ()
    shutil.copytree(own_world.contract_dir, own_world.data_dir / "starbucks" / "contract")
    demonstration = build_catalogue(replace(own_world, source="starbucks"))
    assert demonstration.consents_assumed == ("email_marketing",)
    assert any("agreed to email_marketing" in limit for limit in demonstration.limits)
    assert Catalogue.from_json(demonstration.to_json()) == demonstration


def test_every_customer_offer_and_profile_known_now_is_online(small_store: Settings) -> None:
    now = build_catalogue(small_store).now
    reader = SqliteReader(small_store.online_file, small_store.feature_ttl_days)
    customers = [f"c{number:03d}" for number in range(200)]
    states = [reader.activity(customer, now) for customer in customers]  # type: ignore[arg-type]
    assert {state.reference for state in states if state is not None} == {now}
    assert None not in states
    assert all(reader.profile(customer) for customer in customers)  # type: ignore[arg-type]


def test_on_redis_the_same_values_are_published_and_the_erased_leave_them(
    own_world: Settings, small_store: Settings, redis_address: str
) -> None:
    settings = replace(own_world, online=redis_address)
    packed = PackedRedis(connect(redis_address), PROJECT, settings.source)
    packed.put(ACTIVITY.name, [("gone", bytes(44))])
    materialise(settings, progress=False)
    with closing(open_to_read(small_store.online_file)) as con:
        for view in VIEWS:
            published, expected = packed.get_all(view.name), get_all(con, table_name(PROJECT, view.name))
            assert [key for key, _ in published] == [key for key, _ in expected]
            for (_, left), (_, right) in zip(published, expected, strict=True):
                assert (left[:28], left[36:]) == (right[:28], right[36:])  # but for the instant of making
    assert not settings.online_file.exists()
    everybody = packed.keys(ACTIVITY.name)
    BatchFiles(settings).forget(Known(frozenset({CustomerId("c001")}), frozenset()))
    assert packed.keys(ACTIVITY.name) == [each for each in everybody if each != "c001"]
    assert packed.get(PROFILE.name, "c001") is None


def test_going_back_in_time_forgets_what_came_later(own_world: Settings) -> None:
    materialise(own_world, progress=False)
    earlier = parse_instant("2024-02-01T00:00:00Z")
    materialise(replace(own_world, as_of=earlier), progress=False)
    reader = SqliteReader(own_world.online_file, own_world.feature_ttl_days)
    state = reader.activity("c001", earlier)  # type: ignore[arg-type]
    assert state is not None
    assert state.reference == earlier
    newest = max(int(memory.instants[memory.instants < 2**63 - 1].max(initial=0)) for memory in state.memories)
    assert newest <= earlier
    assert {s.reference for s in reader.evidence(earlier).values()} == {earlier}
    late = duckdb.sql(
        f"SELECT count(*) FROM '{own_world.contract_dir}/customers.parquet' "
        f"WHERE known_at > TIMESTAMPTZ '{format_instant(earlier)}'"
    ).fetchall()[0][0]
    assert late > 0
    assert sum(reader.profile(f"c{n:03d}") is None for n in range(200)) == late  # type: ignore[arg-type]


def test_what_is_left_is_named_in_the_report_with_rows_and_rates(
    own_world: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environ(own_world)) == 0
    printed = capsys.readouterr().out
    for view in VIEWS:
        assert f"history of {view.name}" in printed
        assert f"online {view.name}" in printed
    assert "rows/s" in printed
    left = {file.name for file in own_world.feast_dir.iterdir()}
    assert left == {f"{view.name}.parquet" for view in VIEWS} | {"feature_store.yaml", "online.db", "registry.db"}


def test_without_data_the_message_says_which_command_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({"KAIROS_DATA_DIR": str(tmp_path), "KAIROS_SOURCE": "starbucks"}) == 1
    assert "make data SOURCE=starbucks" in capsys.readouterr().err
    with pytest.raises(ContractError):
        materialise(read_settings({"KAIROS_DATA_DIR": str(tmp_path)}), progress=False)


def test_a_store_that_lacks_rows_stops_the_run_and_leaves_the_old_values(
    own_world: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    materialise(own_world, progress=False)
    before = own_world.online_file.read_bytes()
    monkeypatch.setattr(module, "count", lambda con, table: 3)
    with pytest.raises(MaterialiseError, match="holds 3 of 200 rows of activity"):
        materialise(own_world, progress=False)
    assert own_world.online_file.read_bytes() == before


def asked(rows: list[tuple[str, str, str | None, int]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table(dict(zip(ASKED, ([*column] for column in columns), strict=True)))


def test_features_come_in_the_asked_order_whatever_the_mix(small_store: Settings) -> None:
    catalogue, store = build_catalogue(small_store), open_store(small_store)
    first, second = catalogue.now, parse_instant("2024-02-05T09:00:00Z")
    rows = [
        ("c001", "reward-wine", "email", first),
        ("c000", "reward-bread", "app", second),
        ("c001", "mailing", "direct_mail", second),
    ]
    together = assemble(store, catalogue, asked(rows * 3)).X
    alone = [assemble(store, catalogue, asked([row])).X[0] for row in rows]
    assert np.array_equal(together, np.stack(alone * 3), equal_nan=True)
    assert assemble(store, catalogue, asked(rows * 3), threads=3).X.tobytes() == together.tobytes()


def test_where_nothing_was_sent_what_depends_on_the_channel_is_unknown(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    rows = [("c001", "reward-wine", None, catalogue.now), ("c001", "reward-wine", "email", catalogue.now)]
    frame = assemble(open_store(small_store), catalogue, asked(rows))  # type: ignore[arg-type]
    differs = ~np.isclose(frame.X[0], frame.X[1], equal_nan=True)
    unlike = [name for name, other in zip(frame.names, differs, strict=True) if other]
    assert all(name.startswith(("channel_", "content_channel_", "evidence_channel_")) for name in unlike)
    assert np.isnan(frame.X[0][[frame.names.index(name) for name in unlike]]).all()
    assert "channel_notice_rate" in unlike


def test_no_rows_give_an_empty_frame_and_names_choose_columns(small_store: Settings) -> None:
    catalogue, store = build_catalogue(small_store), open_store(small_store)
    none = asked([("c001", "reward-wine", "email", catalogue.now)]).slice(0, 0)
    assert assemble(store, catalogue, none).X.shape == (0, len(BY_NAME))
    row = asked([("c001", "reward-wine", "email", catalogue.now - DAY)])
    frame = assemble(store, catalogue, row, ["content_margin", "content_min_spend"])
    assert frame.X.tolist() == [[400, 500]]


def test_an_offer_outside_the_catalogue_is_named(small_store: Settings) -> None:
    catalogue = build_catalogue(small_store)
    with pytest.raises(KeyError, match="no offer 'unheard-of'"):
        assemble(open_store(small_store), catalogue, asked([("c001", "unheard-of", "email", catalogue.now)]))

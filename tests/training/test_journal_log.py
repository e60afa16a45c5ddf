"""The live log comes back as tables of the contract."""

import json
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.domain import (
    SECOND,
    Channel,
    ChannelName,
    CustomerId,
    DecisionId,
    Direction,
    EventId,
    Instant,
    Kind,
    OfferId,
)
from features.errors import ContractError
from serving.events.arrival import Arrival
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Record
from serving.journal.documents import Version, keep_version
from serving.policy.form import write
from serving.policy.overlay import Overlay
from serving.rebuild import projection_of
from serving.settings import Settings
from tests.conftest import settings_of
from training.history import load_history, open_journal
from training.import_data import import_data, request_from
from training.materialise import materialise
from training.offered import build_catalogue


@pytest.fixture
def world(small_world: Settings, tmp_path: Path) -> Settings:
    """The small world with its history in the journal."""
    settings = replace(small_world, data_dir=tmp_path)
    shutil.copytree(small_world.contract_dir, settings.contract_dir)
    load_history(settings, build_catalogue(settings), progress=False)
    return settings


def written(world: Settings) -> Settings:
    """The log of the world's journal, written out."""
    settings = settings_of(world.data_dir, source="journal", journal_of="files")
    later = Instant(build_catalogue(world).now + 3600 * SECOND)
    manifest = import_data(replace(request_from(settings, later), progress=False))
    assert manifest.quarantined == {}
    assert manifest.source == "journal of files"
    return settings


def table(settings: Settings, name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(settings.contract_dir / f"{name}.parquet").to_pylist()
    return rows


def test_history_comes_back_as_it_went_in(world: Settings) -> None:
    settings = written(world)
    for name in ("events", "customers", "offers", "channels"):
        assert table(settings, name) == sorted(table(world, name), key=lambda row: _order(name, row)), name
    assert {(row["namespace"], row["value"]) for row in table(settings, "identities")} == {
        (namespace, f"c{number:03d}") for namespace in ("crm", "customer_id") for number in range(200)
    }
    until = build_catalogue(world).now
    before = [row for row in table(world, "decisions") if row["decided_at"].timestamp() * SECOND <= until]  # type: ignore[attr-defined]
    assert {row["decision_id"] for row in table(settings, "decisions")} == {row["decision_id"] for row in before}


def _order(name: str, row: dict[str, object]) -> tuple[object, ...]:
    columns = {"events": ("customer_id", "occurred_at", "source", "event_id"), "customers": ("customer_id",)}
    return tuple(row[column] for column in columns.get(name, (f"{name[:-1]}_id" if name == "offers" else "channel",)))


def answer(kind: str, *items: tuple[str, str]) -> str:
    return json.dumps({"kind": kind, "items": [{"offer_id": offer, "channel": channel} for offer, channel in items]})


def test_what_was_learnt_live_is_in_it_under_whoever_the_customer_is_now(world: Settings) -> None:
    now = build_catalogue(world).now
    names = distinct([identity("customer_id", "c001"), identity("device", "tablet")])
    bob = distinct([identity("card", "new")])
    events = [
        Arrival("app", EventId("1"), names[1:], Kind.VISITED, ChannelName("app"), now),
        Arrival("app", EventId("2"), names, None, ChannelName("app"), now),
        Arrival("app", EventId("3"), bob, Kind.VISITED, ChannelName("app"), now),
        Arrival("app", EventId("4"), bob, Kind.VIEWED, ChannelName("app"), now, machine=True),
    ]
    none = np.zeros((0, 0), dtype=np.float32)
    with closing(open_journal(world)) as journal:
        new = journal.take_in(events, Cause(now, "test", "event")).receipts[2].customer_id
        for number, told in enumerate(
            (answer("reward", ("reward-wine", "email"), ("reward-bread", "app")), answer("reward"))
        ):
            made = Record(DecisionId(f"d{number}"), CustomerId("c001"), now, "{}", told, {}, (), (), none)
            journal.record(made)
    settings = written(world)
    live = {row["event_id"]: row["customer_id"] for row in table(settings, "events") if row["source"] == "app"}
    assert live == {"1": "c001", "3": new}
    decided = {
        row["decision_id"]: (row["offer_id"], row["channel"], row["probability"])
        for row in table(settings, "decisions")
        if str(row["decision_id"]).startswith("d")
    }
    assert decided == {
        "d0": ("reward-wine", "email", None),
        "d0#2": ("reward-bread", "app", None),
        "d1": (None, None, None),
    }


def test_offers_and_channels_made_by_hand_are_in_it_and_what_was_done_with_them(world: Settings) -> None:
    now, imported = build_catalogue(world).now, build_catalogue(world)
    own = replace(imported.offers[0], offer_id=OfferId("own"), channels=(ChannelName("pigeon"),), valid_to=now)
    changed = replace(imported.offers[1], margin_minor=987)
    pigeon = Channel(ChannelName("pigeon"), Direction.OUTBOUND, True, 5.0)
    laid = Overlay((own, changed), (pigeon,))
    with closing(open_journal(world)) as journal:
        told = [("offers", json.dumps(write(laid))), ("catalogue", laid.over(imported).to_json())]
        journal.write(
            lambda t: [keep_version(t.connection, Version(name, name, body, now, "test")) for name, body in told]
        )
        ann = distinct([identity("customer_id", "c001")])
        sent = Arrival("app", EventId("1"), ann, Kind.SENT, ChannelName("pigeon"), now, offer_id=OfferId("own"))
        journal.take_in([sent], Cause(now, "test", "seen"))
    settings = written(world)
    offers = {row["offer_id"]: row for row in table(settings, "offers")}
    assert len(offers) == len(imported.offers) + 1
    assert (offers["own"]["channels"], offers["own"]["kind"]) == (["pigeon"], own.kind)
    assert offers[changed.offer_id]["margin_minor"] == 987
    assert "own" in {row["offer_id"] for row in table(settings, "events")}
    assert build_catalogue(settings).channel[pigeon.name] == pigeon


def test_without_the_source_s_own_tables_the_message_says_what_to_run(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, source="journal", journal_of="starbucks")
    with pytest.raises(ContractError, match="make data SOURCE=starbucks"):
        import_data(replace(request_from(settings, Instant(0)), progress=False))


@pytest.mark.slow
def test_features_of_the_log_include_the_journal_they_came_from(world: Settings) -> None:
    settings = written(world)
    materialise(settings, progress=False)
    with closing(projection_of(settings)) as projection:
        rebuilt = projection.rebuild()
    assert (rebuilt.customers, rebuilt.behind, rebuilt.different) == (200, (), ())

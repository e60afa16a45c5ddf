from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import KairosError
from features.stored import VIEWS
from serving.journal import Journal
from serving.packed_file import PROJECT, publish, table_name
from serving.settings import Settings, read_settings
from tests.journeys.town import SHELF, Town
from training.whatif.comparison import WhatIf, write
from training.whatif.outcome import interval
from training.whatif.whatif import body_of, what_if

CUSTOMERS = 8


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A town with customers who looked at things; all allow e-mail; half of them told their gender."""
    told = {"KAIROS_DATA_DIR": str(tmp_path_factory.mktemp("data")), "KAIROS_SOURCE": "files"}
    settings = read_settings({**told, "KAIROS_CLOCK": "simulated", "KAIROS_AS_OF": "2026-03-02T10:00:00Z"})
    settings.contract_dir.mkdir(parents=True)
    settings.feast_dir.mkdir(parents=True)
    with Town(settings.source_dir) as town:
        store = town.touchpoint("store", "store")
        numbers = []
        for number in range(CUSTOMERS):
            name = ("crm", f"c{number}")
            for category in ("cat", "tea")[: 1 + number % 2]:
                numbers.append(store.sees("visited", name, category=category)["customer_id"])
            store.allows(name, "email_marketing")
    publish(settings.source_dir / "online.db", settings.online_file, [table_name(PROJECT, view.name) for view in VIEWS])
    own = sorted(set(numbers))
    rows = {"customer_id": own, "gender": ["f" if n % 2 else None for n in range(len(own))]}
    pq.write_table(pa.table({**rows, "age_years": [40.0] * len(own)}), settings.contract_dir / "customers.parquet")
    return settings


def tried(settings: Settings, body: dict[str, object]) -> WhatIf:
    return what_if(settings, body, None, iter)


def rows(settings: Settings) -> list[int]:
    journal = Journal(settings.journal_uri)
    with journal.reading() as connection:
        tables = ("decisions", "contacts", "takes", "counters", "documents", "audit")
        found = [connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in tables]
    journal.close()
    return [int(each) for each in found]


def test_the_policy_in_force_changes_nothing(settings: Settings) -> None:
    found = tried(settings, {})
    assert found.customers == CUSTOMERS
    assert found.before.choice == found.after.choice
    assert found.money_more.value == 0
    assert {change.gain + change.lose for change in found.changes} == {0}


def test_a_closed_channel_removes_its_pairs_and_the_money_it_earned_and_leaves_no_trace(settings: Settings) -> None:
    before = rows(settings)
    found = tried(settings, {"closed_channels": ["email"]})
    assert rows(settings) == before
    assert found.before.reached > 0
    assert found.before.per(1)["email"] == found.before.reached
    assert sum(found.before.contacts) == found.before.reached
    assert (found.after.reached, sum(found.after.contacts)) == (0, 0)
    assert found.after.removed["channel_closed"] == CUSTOMERS * len(SHELF)
    assert found.money_more.value == -found.money_before.value < 0
    assert found.money_more.high < 0
    for each in (found.before, found.after):
        assert each.considered == sum(each.removed.values()) + each.eligible
    women = next(change for change in found.changes if change.attribute == "gender")
    assert (women.group, women.customers, women.lose) == ("f", CUSTOMERS // 2, CUSTOMERS // 2)


def test_a_capacity_is_enough_for_so_many_and_no_more(settings: Settings) -> None:
    found = tried(settings, {"capacities": [{"name": "few", "channel": "email", "most": 3}]})
    assert (found.before.reached, found.after.reached) == (CUSTOMERS, 3)


def test_the_report_is_written_for_machines_and_people(settings: Settings) -> None:
    found = tried(settings, {"closed_channels": ["email"]})
    folder = write(settings, found)
    document = json.loads((folder / "whatif.json").read_text())
    assert document["after"]["removed_pairs"]["channel_closed"] > 0
    assert document["money_more_minor"]["low"] <= document["money_more_minor"]["value"]
    assert (folder / "whatif.png").stat().st_size > 10_000
    assert "removed by channel_closed" in found.text()
    assert "not measured" in found.text()


def test_a_document_that_cannot_come_into_force_is_refused_with_the_place(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="/closed_channels/0"):
        tried(settings, {"closed_channels": ["fax"]})
    with pytest.raises(KairosError, match="POLICY=file"):
        body_of(tmp_path / "nowhere.json")


def test_the_interval_covers_the_sum_of_another_draw_of_customers() -> None:
    assert interval([], 7).value == 0
    same = interval([5.0] * 40, 7)
    assert (same.low, same.value, same.high) == (200, 200, 200)
    mixed = interval([0.0, 10.0] * 200, 7)
    assert mixed.low < 2_000 < mixed.high
    assert 300 < mixed.high - mixed.low < 500  # 2 · 1.96 · √400 · 5 = 392

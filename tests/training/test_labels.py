"""Labels against a slow reading of the rules, and the law that nothing learnt later changes what was known."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.domain import DAY, Instant
from serving.settings import Settings
from tests.conftest import BEGIN, write_world
from training.labels import EXPANDED, LABEL_COLUMNS, labels

CUTS = (BEGIN + 30 * DAY, BEGIN + 62 * DAY, BEGIN + 119 * DAY)


def rows_of(contract: Path, table: str) -> list[dict[str, Any]]:
    found = pq.read_table(contract / f"{table}.parquet")
    for i, column in enumerate(found.schema):
        if pa.types.is_timestamp(column.type):
            found = found.set_column(i, column.name, pc.cast(found[column.name], pa.int64()))
    return found.to_pylist()


class Rules:
    """The rules of labels, one decision and one event at a time."""

    def __init__(self, contract: Path, at: int) -> None:
        self.at = at
        self.offers = {row["offer_id"]: row for row in rows_of(contract, "offers")}
        self.decisions = [row for row in rows_of(contract, "decisions") if row["decided_at"] <= at]
        self.events: dict[str, list[dict[str, Any]]] = {}
        for event in rows_of(contract, "events"):
            if event["received_at"] <= at:
                self.events.setdefault(event["customer_id"], []).append(event)
        self.seen = {e["channel"] for own in self.events.values() for e in own if e["kind"] in ("viewed", "clicked")}
        self.seen |= {row["channel"] for row in self.decisions if row["noticed"] is not None and row["channel"]}

    def ends(self, row: dict[str, Any]) -> int:
        return row["decided_at"] + round(self.offers[row["offer_id"]]["window_days"] * DAY)

    def answered(self, row: dict[str, Any], event: dict[str, Any]) -> bool:
        again = [
            other["decided_at"]
            for other in self.decisions
            if (other["customer_id"], other["offer_id"]) == (row["customer_id"], row["offer_id"])
            and other["decided_at"] > row["decided_at"]
            and other["channel"] is not None
        ]
        return row["decided_at"] < event["occurred_at"] <= min([self.ends(row), *again])

    def noticed(self, row: dict[str, Any]) -> bool | None:
        if self.ends(row) > self.at or row["channel"] not in self.seen:
            return None
        if row["noticed"] is not None:
            return row["noticed"]
        return any(
            e["kind"] in ("viewed", "clicked")
            and e["offer_id"] == row["offer_id"]
            and e["decision_id"] in (None, row["decision_id"])
            and self.answered(row, e)
            for e in self.events.get(row["customer_id"], [])
        )

    def taken(self, row: dict[str, Any]) -> bool | None:
        offer, own = self.offers[row["offer_id"]], self.events.get(row["customer_id"], [])
        if self.ends(row) > self.at:
            return None
        if row["taken"] is not None:
            return row["taken"]
        if offer["response"] == "redemption" and row["channel"] is not None:
            about = {row["offer_id"]} | {o for o, terms in self.offers.items() if terms["audience"] == row["offer_id"]}
            return any(e["kind"] == "redeemed" and e["offer_id"] in about and self.answered(row, e) for e in own)
        spent = [
            e["value_minor"]
            for e in own
            if e["kind"] == "purchased"
            and offer["buys"] in (None, e["category"])
            and row["decided_at"] < e["occurred_at"] <= self.ends(row)
        ]
        return sum(spent) >= max(1, offer["min_spend_minor"])


@pytest.mark.parametrize("at", CUTS)
def test_labels_follow_the_rules_one_decision_at_a_time(small_world: Settings, at: int) -> None:
    rules = Rules(small_world.contract_dir, at)
    found = {row["decision_id"]: row for row in labels(small_world.contract_dir, Instant(at), seed=7).to_pylist()}
    offered = [row for row in rules.decisions if row["offer_id"] is not None]
    assert len(offered) > 300
    for row in offered:
        label = found.pop(row["decision_id"])
        assert label["noticed"] == rules.noticed(row), row
        assert label["taken"] == rules.taken(row), row
    for label in found.values():
        assert label["channel"] is None
        assert label["taken"] == rules.taken(label | {"decided_at": label["decided_us"]}), label
        assert label["noticed"] is None


def test_a_decision_that_offered_nothing_stands_for_every_offer_of_its_kind(small_world: Settings) -> None:
    at = Instant(BEGIN + 119 * DAY)
    nothing = [r for r in rows_of(small_world.contract_dir, "decisions") if r["offer_id"] is None]
    found = [r for r in labels(small_world.contract_dir, at, seed=7).to_pylist() if r["channel"] is None]
    assert len(found) == EXPANDED * len(nothing)
    assert len({row["decision_id"] for row in found}) == len(found)
    assert sum(row["weight"] for row in found) == pytest.approx(5 * len(nothing))


def test_what_is_learnt_later_changes_no_label(tmp_path: Path) -> None:
    cut = Instant(BEGIN + 62 * DAY)
    contract = tmp_path / "contract"
    write_world(contract)
    before = labels(contract, cut, seed=7)
    events = pq.read_table(contract / "events.parquet")
    late = pc.greater(pc.cast(events["received_at"], pa.int64()), int(cut))
    doubled = events.filter(late)
    renamed = pc.binary_join_element_wise(doubled["event_id"], pa.scalar("again"), "-")
    doubled = doubled.set_column(doubled.schema.get_field_index("event_id"), "event_id", renamed)
    # Whatever is learnt after the cut, even of the time before it: here everything later is gone, then doubled.
    earlier = doubled.set_column(
        doubled.schema.get_field_index("occurred_at"),
        "occurred_at",
        pa.array([int(cut) - DAY] * len(doubled), pa.int64()).cast(events.schema.field("occurred_at").type),
    )
    for changed in (events.filter(pc.invert(late)), pa.concat_tables([events, doubled, earlier])):
        pq.write_table(changed, contract / "events.parquet")
        assert labels(contract, cut, seed=7).equals(before)


def test_a_label_is_known_only_when_its_window_has_ended(small_world: Settings) -> None:
    at = Instant(BEGIN + 62 * DAY)
    found = labels(small_world.contract_dir, at, seed=7)
    assert tuple(found.column_names) == LABEL_COLUMNS
    is_open = pc.greater(found["ends_us"], int(at))
    assert pc.all(pc.is_null(found.filter(is_open)["taken"])).as_py()
    assert pc.all(pc.is_valid(found.filter(pc.invert(is_open))["taken"])).as_py()
    assert 0 < pc.sum(is_open).as_py() < len(found)
    assert json.dumps(found["decision_id"].to_pylist()) == json.dumps(
        labels(small_world.contract_dir, at, seed=7)["decision_id"].to_pylist()
    )

"""Prices of what is scarce, in real time: solved apart, charged in scores, recorded with each decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.domain import DAY, CustomerId, Instant
from features.instant import parse_instant
from serving.app import serve
from serving.demand_ahead import Asks, end_of, ends_of
from serving.journal.decisions import Asked
from serving.parts import Parts
from serving.policy.policy import Capacity, Policy
from serving.policy.window import Unit, Window
from serving.prices import sampled, tariff
from serving.repricing import Repricing
from serving.staff import staff_of
from serving.tariff import Tariff, Tariffs, write_tariff
from tests.bench.bench_prices import shares
from tests.serving.conftest import NOW

POLICY = {"capacities": [{"name": "screens", "channel": "app", "most": 3, "window": {"calendar": "day"}}]}
MORE = {"capacities": [{"name": "screens", "channel": "app", "most": 6, "window": {"calendar": "day"}}]}


@pytest.mark.slow
def test_in_real_time_prices_beat_first_come_at_equal_capacity() -> None:
    """Five seeds of 1,500 customers; learning.md measured 51 and 98.6 of a hundred on another market."""
    for seed in range(3):
        found = shares(1_500, seed)
        assert found["first come"] < 0.75
        assert found["prices ten times a day"] > 0.93
        assert found["prices ten times a day"] > found["first come"] + 0.2


def test_the_end_of_a_stretch_is_where_its_number_changes() -> None:
    at = parse_instant("2024-02-28T15:00:00Z")  # a Wednesday in a leap year
    assert end_of(Unit.DAY, at) == parse_instant("2024-02-29T00:00:00Z")
    assert end_of(Unit.WEEK, at) == parse_instant("2024-03-04T00:00:00Z")
    assert end_of(Unit.MONTH, at) == parse_instant("2024-03-01T00:00:00Z")


def test_what_has_no_stretch_lasts_as_long_as_its_offers_and_no_longer_than_the_horizon(
    parts: Callable[..., Parts],
) -> None:
    pairs = parts().watch.current.pairs
    policy = Policy(capacities=(Capacity("all", "app", 5), Capacity("day", "app", 5, Window(calendar=Unit.DAY))))
    ends = ends_of(policy, pairs, NOW, 10)
    assert ends["capacity:all"] == NOW + 10 * DAY
    assert {key.rpartition(":")[0] for key in ends if key.startswith("capacity:day")} == {"capacity:day:day"}
    assert Asks(100, 48.0).until(NOW, Instant(NOW + DAY // 2)) == 24
    assert Asks(100, 48.0).until(NOW, NOW) == 1


def test_who_asked_lately_stands_for_those_to_come_and_before_anybody_did_everybody_known() -> None:
    asked = [Asked(CustomerId(f"c{n}"), Instant(NOW - DAY + n), '{"kind": "promotion"}') for n in range(30)]
    asks, per_day = sampled(asked, [CustomerId("other")], NOW, 7)
    assert {ask.customer_id for ask in asks} == {each.customer_id for each in asked}
    assert {ask.kind for ask in asks} == {"promotion"}
    assert per_day == pytest.approx(30, rel=1e-6)
    asks, per_day = sampled([], [CustomerId("a"), CustomerId("b")], NOW, 7)
    assert (len(asks), per_day) == (2, 2.0)


def test_a_tariff_holds_for_its_policy_and_what_cannot_be_read_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    tariffs = Tariffs(file)
    assert tariffs.prices("p") == {}
    write_tariff(file, Tariff(NOW, "p", {"stock:x": 3.0}))
    assert tariffs.prices("p") == {"stock:x": 3.0}
    assert tariffs.prices("p") is tariffs.prices("p")
    assert tariffs.prices("another") == {}
    file.write_text("{}")
    assert tariffs.prices("p") == {}


def test_prices_are_solved_again_when_the_policy_changes_and_by_one_process_at_a_time(
    parts: Callable[..., Parts],
) -> None:
    current = parts().watch.current
    held = [current]
    begun, done = list[Instant](), [False]

    def solve(at: Instant) -> Callable[[], bool]:
        begun.append(at)
        return lambda: done[0]

    repricing = Repricing(lambda: held[0], lambda: NOW, 10.0, solve)
    assert not repricing.look()  # nothing is scarce
    held[0] = replace(current, policy=Policy("p1", capacities=(Capacity("few", "app", 5),)))
    assert repricing.look()
    held[0] = replace(current, policy=Policy("p2", capacities=(Capacity("few", "app", 4),)))
    assert not repricing.look()  # somebody is at it
    done[0] = True
    assert repricing.look()
    assert not repricing.look()  # it is not due yet
    assert begun == [NOW, NOW]


@pytest.fixture
def service(parts: Callable[..., Parts], place: Path) -> Any:
    """A shop with three screens a day in the app, whose prices are read from a file."""
    made = parts()
    made.watch._tariffs = Tariffs(place / "prices.json")
    with TestClient(serve(made)) as client:
        answer = client.put("/v1/policy", json=POLICY, headers={"If-Match": "*"})
        assert answer.status_code in (200, 201), answer.text
        yield made, client, place / "prices.json"


def decided(client: TestClient, customer: str) -> dict[str, Any]:
    body = {"customer_id": customer, "kind": "promotion", "channels": ["app"]}
    answer = client.post("/v1/decisions", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_price_is_in_the_components_of_the_score_and_a_replay_is_identical(service: Any) -> None:
    made, client, file = service
    before = decided(client, "ann")["items"][0]
    found = tariff(made, staff_of(made), made.watch.current, 30.0, 7)
    assert found.policy == made.watch.current.policy.fingerprint
    assert found.prices == {}  # three screens are enough for the two who are known
    key = next(iter(ends_of(made.watch.current.policy, made.watch.current.pairs, NOW, 30.0)))
    write_tariff(file, Tariff(NOW, found.policy, {key: 7.5}))
    made.watch.refresh()
    after = decided(client, "ann")
    item = after["items"][0]
    assert item["components"]["scarcity_minor"] == -7.5
    assert item["score_minor"] == pytest.approx(sum(item["components"].values()), abs=1e-3)
    assert before["components"]["scarcity_minor"] == 0
    file.unlink()
    made.watch.refresh()
    replayed = client.post(f"/v1/decisions/{after['decision_id']}/replay").json()
    assert replayed["identical"], replayed["differences"]
    shown = client.get("/metrics").text
    assert "kairos_price_minor" not in shown.replace("# ", "")


def test_a_price_above_what_an_offer_is_worth_leaves_the_slot_to_others(service: Any) -> None:
    made, client, file = service
    policy = made.watch.current.policy
    key = next(iter(ends_of(policy, made.watch.current.pairs, NOW, 30.0)))
    write_tariff(file, Tariff(NOW, policy.fingerprint, {key: 1e6}))
    made.watch.refresh()
    assert decided(client, "ann")["items"] == []
    assert f'kairos_price_minor{{key="{key}"}} 1e+06' in client.get("/metrics").text


def test_many_who_ask_for_few_slots_give_them_a_price(service: Any) -> None:
    """Forty strangers, all alike, ask a day for three slots: a slot costs what it is worth to each of them."""
    made, client, _ = service
    for number in range(40):
        decided(client, f"stranger-{number}")
    assert client.put("/v1/policy", json=MORE, headers={"If-Match": "*"}).status_code == 200
    made.watch.refresh()
    found = tariff(made, staff_of(made), made.watch.current, 30.0, 7)
    assert (found.sampled, round(found.asks_per_day)) == (40, 40)
    today = next(iter(ends_of(made.watch.current.policy, made.watch.current.pairs, NOW, 30.0)))
    best = max(worth for worth in (item["score_minor"] for item in decided(client, "stranger-50")["items"]))
    assert found.prices[today] == pytest.approx(best, rel=0.01)

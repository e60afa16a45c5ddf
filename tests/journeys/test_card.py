"""A coffee-house card: what happens at the till is known to the app at once."""

import time

from tests.journeys.town import Town

CARD, PHONE = ("card", "6011-4711"), ("app", "installation-9")


def test_a_card_topped_up_at_the_till_is_known_to_the_apps_next_decision(town: Town) -> None:
    till, app, web = town.touchpoint("till", "store"), town.touchpoint("app", "app"), town.touchpoint("web", "web")
    app.sees("visited", PHONE, CARD)
    town.tell("the app has told that this installation and this card are one person's")

    before = app.decides(PHONE)
    assert before.first == "tip-card_top_up"

    acknowledged = time.perf_counter()
    paid = till.sees("purchased", CARD, category="card_top_up", value_minor=2_000)
    after = app.decides(PHONE)
    town.tell(f"from the till's event to the app's answer: {time.perf_counter() - acknowledged:.3f} s")

    assert paid["customer_id"] == before.customer_id == after.customer_id
    assert "tip-card_top_up" not in after.offers
    assert "tip-card_top_up" in after.left_out
    assert after.first == "tip-cake"
    assert before.saw("tip-cake", "customer_purchases_7d") == 0
    assert after.saw("tip-cake", "customer_purchases_7d") == 1
    assert after.saw("tip-cake", "customer_amount_7d") == 2_000

    used = web.sees("purchased", CARD, category="cake", value_minor=450)
    assert used["customer_id"] == after.customer_id
    third = app.decides(PHONE)
    assert "tip-cake" in third.left_out
    assert third.saw(third.first, "customer_amount_7d") == 2_450


def test_a_top_up_told_twice_by_a_nervous_till_counts_once(town: Town) -> None:
    till, app = town.touchpoint("till", "store"), town.touchpoint("app", "app")
    event = {
        "source": "till",
        "event_id": "receipt-17",
        "identities": [{"namespace": "card", "value": CARD[1]}],
        "kind": "purchased",
        "channel": "store",
        "category": "card_top_up",
        "value_minor": 2_000,
    }
    first, again = (till.post("/v1/events", event)["items"][0]["status"] for _ in range(2))
    town.tell(f"till: the same receipt twice: {first}, then {again}")
    assert (first, again) == ("accepted", "duplicate")
    decided = app.decides(CARD)
    assert decided.saw(decided.first, "customer_amount_7d") == 2_000

"""Each touchpoint gets its own offer and wording out of one decision; price and terms are the same everywhere."""

from typing import Any

from tests.journeys.town import KIND, Town

MAIL = ("email", "oda@example.org")


def offer(offer_id: str, name: str, price_minor: int, *channels: str) -> dict[str, Any]:
    return {
        "offer_id": offer_id,
        "kind": KIND,
        "category": "tea",
        "buys": "tea",
        "name": name,
        "channels": list(channels),
        "margin_minor": 900,
        "incentive_minor": 0,
        "price_minor": price_minor,
        "terms": "While stocks last.",
        "wording": [
            {"channel": channel, "title": f"{name} ({channel})", "body": "{offer} for {price}. {terms}"}
            for channel in channels
        ],
    }


def test_one_decision_serves_the_newsletter_a_text_message_and_the_website(town: Town) -> None:
    office = town.touchpoint("campaign", "email")
    office.put(
        "/v1/offers",
        {
            "imported": False,
            "offers": [
                offer("harvest", "First harvest", 1490, "email", "web"),
                offer("sample", "A sample", 390, "sms"),
                offer("caddy", "Tea caddy", 2490, "web"),
            ],
        },
    )
    office.sees("visited", MAIL, category="tea")
    office.allows(MAIL, "email_marketing", "sms_marketing")
    decided = office.decides(MAIL, channels=["email", "sms", "web"], contacts=2, limit=3)
    items = {item["offer_id"]: item for item in decided.answer["items"]}
    assert set(items) == {"harvest", "sample", "caddy"}
    assert items["caddy"]["channel"] == "web"
    assert items["caddy"]["contact_id"] is None
    assert items["sample"]["channel"] == "sms"
    assert items["sample"]["contact_id"] is not None
    for item in items.values():
        assert item["wording"]["title"].endswith(f"({item['channel']})")
        town.tell(f"{item['channel']} says: {item['wording']['title']} — {item['wording']['body']}")

    elsewhere = "email" if items["harvest"]["channel"] == "web" else "web"
    again = office.decides(MAIL, channels=[elsewhere], offer_id="harvest").answer["items"][0]
    assert again["channel"] == elsewhere
    for said in ("price", "terms"):
        assert again["wording"][said] == items["harvest"]["wording"][said]
    assert "14" in again["wording"]["body"]
    assert "While stocks last." in again["wording"]["body"]

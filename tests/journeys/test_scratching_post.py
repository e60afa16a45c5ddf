"""Scratching post bought with a card → e-mail with cat food → click → retargeting for days → WhatsApp after a month."""

import pytest

from tests.journeys.town import KIND, Town

CARD, MAIL, PHONE = ("card", "900777"), ("email", "tom@example.org"), ("phone", "+436641234567")
FOOD = {
    "offer_id": "cat-food",
    "kind": KIND,
    "category": "cat_food",
    "buys": "cat_food",
    "name": "A month of cat food",
    "channels": ["email", "social", "search", "whatsapp"],
    "margin_minor": 1_500,
    "incentive_minor": 0,
    "price_minor": 2_990,
    "wording": [
        {"channel": channel, "title": f"For your cat ({channel})", "body": "{offer} for {price}."}
        for channel in ("email", "social", "search", "whatsapp")
    ],
}
POLICY = {
    "sequences": [
        {"name": "cat owners only", "stops": {"offer": "cat-food"}, "event": "purchased", "of_category": "cat",
         "within_days": 90, "only_after": True},
        *(
            {"name": f"retargeting on {channel}", "stops": {"channel": channel}, "event": "clicked",
             "of_offer": "cat-food", "within_days": 5, "only_after": True}
            for channel in ("social", "search")
        ),
        {"name": "not yet on WhatsApp", "stops": {"channel": "whatsapp"}, "event": "purchased", "of_category": "cat",
         "within_days": 28},
        {"name": "has cat food", "stops": {"offer": "cat-food"}, "event": "purchased", "of_category": "cat_food",
         "within_days": 25},
    ],
    "caps": [
        {"name": "one of a kind a day", "per": "channel", "most": 1, "window": {"calendar": "day"}},
        {"name": "one a month", "per": "channel", "of": "whatsapp", "most": 1, "window": {"calendar": "month"}},
    ],
}  # fmt: skip


@pytest.mark.slow
def test_from_the_scratching_post_in_the_store_to_whatsapp_a_month_later(town: Town) -> None:
    till, mailer = town.touchpoint("till", "store"), town.touchpoint("newsletter", "email")
    social, search = town.touchpoint("social ads", "social"), town.touchpoint("search ads", "search")
    whatsapp = town.touchpoint("whatsapp", "whatsapp")
    mailer.put("/v1/offers", {"offers": [FOOD]})
    mailer.put("/v1/policy", POLICY)
    till.sees("visited", CARD, MAIL, PHONE)
    mailer.allows(MAIL, "email_marketing", "advertising", "whatsapp_marketing")
    before = mailer.decides(MAIL, dry_run=True)
    assert before.why_not("cat-food").startswith("sequence: cat owners only")

    till.sees("purchased", CARD, category="cat", value_minor=4_900)
    letter = mailer.decides(MAIL)
    assert letter.first == "cat-food"
    mailer.sends(letter, MAIL)
    assert social.decides(MAIL).why_not("cat-food").startswith("sequence: retargeting on")
    second = mailer.decides(MAIL, dry_run=True)
    assert second.answer["items"][0]["moment"] > "2026-03-03"
    town.tell("a second e-mail on the same day would be too many: it would have to wait for tomorrow")

    town.later(hours=3)
    mailer.sees("clicked", MAIL, offer_id="cat-food")
    shown = social.decides(MAIL)
    assert shown.first == "cat-food"
    social.sends(shown, MAIL)
    town.later(days=1)
    found = search.decides(MAIL)
    assert found.first == "cat-food"
    assert found.answer["items"][0]["wording"]["title"] == "For your cat (search)"
    search.sends(found, MAIL)

    town.later(days=6)
    for place in (social, search):
        assert place.decides(MAIL).why_not("cat-food").startswith("sequence: retargeting on")
    assert whatsapp.decides(PHONE).why_not("cat-food").startswith("sequence: not yet on WhatsApp")

    town.later(days=23)
    message = whatsapp.decides(PHONE)
    assert message.first == "cat-food"
    assert message.answer["items"][0]["wording"]["body"].startswith("A month of cat food for ")
    whatsapp.sends(message, PHONE)
    assert whatsapp.decides(PHONE).why_not("cat-food").startswith("cap: ")

    till.sees("purchased", CARD, category="cat_food", value_minor=2_990)
    assert mailer.decides(MAIL).why_not("cat-food").startswith("sequence: has cat food")

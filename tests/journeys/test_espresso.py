"""Radio → web research → advice in the store → web purchase → SMS status → delivery → complaint → after-sales."""

import pytest

from tests.journeys.town import KIND, Town

BROWSER, CARD, MAIL = ("anonymous", "browser-31"), ("card", "900666"), ("email", "uma@example.org")
PHONE = ("phone", "+436647654321")
OFFERS = [
    {
        "offer_id": "order-status",
        "kind": "status",
        "category": "machines",
        "name": "Your order",
        "channels": ["sms"],
        "margin_minor": 0,
        "incentive_minor": 0,
        "importance": "transactional",
        "purpose": "service",
        "wording": [{"channel": "sms", "title": "Your order", "body": "It is on its way."}],
    },
    {
        "offer_id": "descaling",
        "kind": KIND,
        "category": "machines",
        "buys": "care",
        "name": "Free descaling by our workshop",
        "channels": ["social"],
        "margin_minor": 900,
        "incentive_minor": 0,
        "purpose": "service",
    },
]


@pytest.mark.slow
def test_from_the_radio_to_after_sales_and_the_complaint_stops_promotion(town: Town) -> None:
    radio, web = town.touchpoint("radio", "broadcast"), town.touchpoint("web", "web")
    store, texts = town.touchpoint("store", "store"), town.touchpoint("order system", "sms")
    mailer, social = town.touchpoint("newsletter", "email"), town.touchpoint("social", "social")
    mailer.put("/v1/offers", {"offers": OFFERS})
    radio.sees("visited", BROWSER, category="machines", campaign="radio spot, code typed in")
    web.sees("visited", BROWSER, category="machines")
    research = web.decides(BROWSER)
    assert research.first == "tip-machines"
    assert ("looked_at", "machines", "web") in research.topics

    town.later(days=1)
    store.sees("contacted_us", CARD, category="machines")
    assert store.decides(CARD).topics[0][0] == "question"
    town.tell("the store does not know yet that this is who looked at machines on the web")

    town.later(hours=8)
    web.sees("visited", BROWSER, MAIL, CARD, PHONE, category="machines")
    signed_in = web.decides(MAIL)
    assert signed_in.first == "tip-machines"
    assert {topic for topic, _, _ in signed_in.topics} == {"looked_at", "question"}
    for purpose in ("email_marketing", "advertising"):
        mailer.allows(MAIL, purpose)
    bought = web.sees("purchased", MAIL, category="machines", value_minor=49_900)
    after = web.decides(MAIL)
    assert "tip-machines" not in after.offers
    town.tell("what was just bought is not offered again")

    status = texts.decides(PHONE, offer_id="order-status")
    assert status.customer_id == bought["customer_id"]
    assert status.first == "order-status"
    town.tell("there is no consent to promotion by SMS, and none is needed for the status of an order")
    texts.sends(status, PHONE)
    assert texts.decides(PHONE).answer["items"] == []

    town.later(days=2)
    store.sees("delivered", CARD, category="machines")
    assert mailer.decides(MAIL, dry_run=True).offers
    mailer.sees("complained", MAIL, category="machines")
    for place, name in ((mailer, MAIL), (web, MAIL), (store, CARD)):
        silent = place.decides(name)
        assert silent.answer["items"] == []
        assert {rule for _, _, rule, _ in silent.removed} == {"sequence"}
        assert "complaint" in {topic for topic, _, _ in silent.topics}

    service = social.decides(MAIL)
    assert service.first == "descaling"
    social.sends(service, MAIL)
    again = texts.decides(PHONE, offer_id="order-status")
    assert again.first == "order-status"
    town.tell("the complaint stops promotion, not the news about the order and not after-sales")

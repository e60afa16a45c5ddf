"""What was declined on one channel is not pushed on the others."""

from tests.journeys.town import Town

MAIL, PHONE, CARD = ("email", "noa@example.org"), ("app", "installation-8"), ("card", "900888")


def test_an_offer_declined_in_the_app_rests_everywhere_and_others_are_made(town: Town) -> None:
    app, mailer = town.touchpoint("app", "app"), town.touchpoint("newsletter", "email")
    web, till = town.touchpoint("web", "web"), town.touchpoint("till", "store")
    app.sees("visited", PHONE, MAIL, CARD, category="tea")
    mailer.allows(MAIL, "email_marketing")
    shown = app.decides(PHONE)
    assert shown.first == "tip-tea"

    app.sees("dismissed", PHONE, offer_id="tip-tea", decision_id=shown.answer["decision_id"])
    for place, name in ((app, PHONE), (mailer, MAIL), (web, MAIL), (till, CARD)):
        asked = place.decides(name)
        assert "tip-tea" not in asked.offers
        assert asked.why_not("tip-tea").startswith("rest: ")
        assert asked.offers

    town.later(days=31)
    app.sees("visited", PHONE, category="tea")
    assert web.decides(MAIL).first == "tip-tea"
    town.tell("a month later the customer looks at tea again, and it may be offered again")

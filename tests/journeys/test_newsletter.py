"""What is looked at on the shop's tablet feeds the newsletter; what was bought offline is left out."""

from tests.journeys.town import Town

CARD, MAIL = ("card", "loyal-5"), ("email", "noor@example.org")


def test_browsing_on_the_shops_tablet_feeds_the_newsletter_and_what_was_bought_offline_is_left_out(town: Town) -> None:
    tablet, till = town.touchpoint("shop tablet", "store"), town.touchpoint("till", "store")
    newsletter = town.touchpoint("newsletter", "email")
    tablet.sees("visited", CARD, MAIL)
    assert newsletter.decides(MAIL).offers == []
    town.tell("nothing is sent before the customer has allowed it")
    tablet.allows(CARD, "email_marketing")
    plain = newsletter.decides(MAIL)
    assert plain.first not in ("tip-tea", "tip-teaware")

    for category in ("tea", "teaware"):
        tablet.sees("visited", CARD, category=category)
    fed = newsletter.decides(MAIL)
    assert set(fed.offers[:2]) == {"tip-tea", "tip-teaware"}
    assert "Looked at teaware lately without buying it." in fed.reasons("tip-teaware")

    till.sees("purchased", CARD, category="tea", value_minor=1_250)
    town.later(hours=10)
    sent = newsletter.decides(MAIL)
    assert sent.customer_id == fed.customer_id
    assert sent.first == "tip-teaware"
    assert "tip-tea" not in sent.offers
    assert "tip-tea" in sent.left_out

    town.later(days=60)
    again = newsletter.decides(MAIL)
    assert "tip-tea" in again.offers
    town.tell("two months later tea may be offered again")

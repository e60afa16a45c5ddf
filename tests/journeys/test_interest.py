"""Interest shown in an e-mail carries into the app, and days later into the web."""

from tests.journeys.town import Town

MAIL, PHONE, BROWSER = ("email", "Mia@Example.org"), ("app", "installation-3"), ("anonymous", "browser-77")


def test_interest_in_an_email_carries_into_the_app_and_days_later_into_the_web(town: Town) -> None:
    mailer, app = town.touchpoint("newsletter", "email"), town.touchpoint("app", "app")
    web = town.touchpoint("web", "web")
    app.sees("visited", PHONE, MAIL)
    cold = app.decides(PHONE)
    assert cold.first != "tip-cat"

    mailer.sees("sent", MAIL)
    mailer.sees("clicked", MAIL, category="cat")
    same_day = app.decides(PHONE)
    assert same_day.customer_id == cold.customer_id
    assert same_day.first == "tip-cat"
    assert same_day.score("tip-cat") > cold.score("tip-cat")
    assert "Looked at cat lately without buying it." in same_day.reasons("tip-cat")

    town.later(days=3)
    stranger = web.decides(BROWSER)
    assert stranger.first != "tip-cat"
    assert stranger.customer_id != cold.customer_id
    town.tell("the web does not know who this is, until the customer signs in")
    web.sees("visited", BROWSER, MAIL)
    signed_in = web.decides(BROWSER)
    assert signed_in.customer_id == cold.customer_id
    assert signed_in.first == "tip-cat"
    assert cold.score("tip-cat") < signed_in.score("tip-cat") < same_day.score("tip-cat")
    town.tell("the interest still counts, a little less than on the day")


def test_an_image_loaded_by_a_mail_program_is_no_interest(town: Town) -> None:
    mailer, app = town.touchpoint("newsletter", "email"), town.touchpoint("app", "app")
    app.sees("visited", PHONE, MAIL)
    before = app.decides(PHONE)
    mailer.sees("viewed", MAIL, category="cat", user_agent="Mozilla/5.0 (via ggpht.com GoogleImageProxy)")
    after = app.decides(PHONE)
    assert after.saw("tip-cat", "category_noticed_60d") == before.saw("tip-cat", "category_noticed_60d") == 0
    town.tell("that was a proxy that loads every image: it stands in the timeline and counts for nothing")
    mailer.sees("viewed", MAIL, category="cat", user_agent="Thunderbird")
    town.tell("that was a person")
    assert app.decides(PHONE).saw("tip-cat", "category_noticed_60d") == 1

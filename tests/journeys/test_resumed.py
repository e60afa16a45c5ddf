"""A purchase begun on the phone goes on on the tablet."""

from typing import Any

from tests.journeys.town import Touchpoint, Town

PHONE, TABLET, LOGIN = ("device", "phone"), ("device", "tablet"), ("crm", "C-88")


def open_topics(touchpoint: Touchpoint, name: tuple[str, str]) -> list[dict[str, Any]]:
    page = touchpoint.post("/v1/customers/lookup", {"namespace": name[0], "value": name[1]})
    topics: list[dict[str, Any]] = page["open_topics"]
    for topic in topics:
        touchpoint.town.tell(f"    open: {topic['sentence']} ({topic['strength']:.0%})")
    return topics


def basket(touchpoint: Touchpoint, name: tuple[str, str]) -> dict[str, Any]:
    (found,) = [topic for topic in open_topics(touchpoint, name) if topic["topic"] == "basket"]
    return found


def test_a_basket_begun_on_the_phone_is_resumed_on_the_tablet(town: Town) -> None:
    phone, tablet = town.touchpoint("phone", "app"), town.touchpoint("tablet", "web")
    phone.sees("visited", PHONE, LOGIN, category="machines")
    phone.sees("carted", PHONE, category="machines", value_minor=29_900)
    town.later(hours=5)

    nobody = tablet.decides(TABLET)
    assert nobody.first != "tip-machines"
    tablet.sees("visited", TABLET, LOGIN)
    town.tell("the customer has signed in on the tablet")
    resumed = tablet.decides(TABLET)
    assert resumed.first == "tip-machines"
    assert ("basket", "machines", "app") in resumed.topics
    assert nobody.topics == []
    begun = basket(tablet, TABLET)
    assert (begun["about"], begun["channel"]) == ("machines", "app")
    assert begun["sentence"] == "resume the basket (machines) begun on app"
    assert 0.9 < begun["strength"] < 1

    town.later(days=1)
    assert basket(phone, PHONE)["strength"] < begun["strength"]
    tablet.sees("purchased", TABLET, category="machines", value_minor=29_900)
    assert not {t["about"] for t in open_topics(phone, PHONE)} & {"machines"}
    town.tell("bought: nothing is left to resume, on neither device")
    after = phone.decides(PHONE)
    assert "tip-machines" in after.left_out
    assert ("basket", "machines", "app") not in after.topics


def test_what_goes_on_in_parallel_and_jumps_back_stays_apart(town: Town) -> None:
    phone, web, call = (
        town.touchpoint("phone", "app"),
        town.touchpoint("web", "web"),
        town.touchpoint("hotline", "call"),
    )
    phone.sees("carted", LOGIN, category="machines")
    web.sees("visited", LOGIN, category="tea")
    call.sees("contacted_us", LOGIN)
    web.sees("carted", LOGIN, category="teaware")
    found = {(t["topic"], t["about"], t["channel"]) for t in open_topics(web, LOGIN)}
    assert found == {
        ("basket", "machines", "app"),
        ("looked_at", "tea", "web"),
        ("question", None, "call"),
        ("basket", "teaware", "web"),
    }
    web.sees("purchased", LOGIN, category="teaware", value_minor=3_900)
    town.later(hours=1)
    phone.sees("carted", LOGIN, category="machines")
    after = open_topics(phone, LOGIN)
    assert (after[0]["topic"], after[0]["about"], after[0]["strength"]) == ("basket", "machines", 1.0)
    assert "teaware" not in {t["about"] for t in after}

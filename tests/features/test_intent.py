import random

from hypothesis import given
from hypothesis import strategies as st

from features.domain import DAY, HOUR, Category, ChannelName, CustomerId, Event, EventId, Instant, Kind
from features.intent import FORGOTTEN, MATTERS_US, Topic, open_intents

NOW = Instant(1_700_000_000_000_000)


def event(kind: Kind, hours_ago: float, channel: str = "app", category: str | None = None) -> Event:
    at = Instant(NOW - round(hours_ago * HOUR))
    about = None if category is None else Category(category)
    return Event(
        "t",
        EventId(f"{kind}{hours_ago}{category}"),
        CustomerId("a"),
        kind,
        ChannelName(channel),
        at,
        at,
        category=about,
    )


def test_a_basket_begun_on_the_phone_is_open_until_it_is_bought_anywhere() -> None:
    begun = event(Kind.CARTED, 5, "app", "shoes")
    (intent,) = open_intents([begun], NOW)
    assert (intent.topic, intent.about, intent.channel) == (Topic.BASKET, "shoes", "app")
    assert intent.sentence == "resume the basket (shoes) begun on app"
    assert open_intents([begun, event(Kind.PURCHASED, 1, "store", "shoes")], NOW) == ()
    assert len(open_intents([begun, event(Kind.PURCHASED, 1, "store", "hats")], NOW)) == 1
    assert len(open_intents([begun, event(Kind.PURCHASED, 9, "store", "shoes")], NOW)) == 1


def test_topics_run_in_parallel_and_the_freshest_comes_first() -> None:
    log = [
        event(Kind.VISITED, 30, "web", "shoes"),
        event(Kind.CARTED, 2, "app", "hats"),
        event(Kind.COMPLAINED, 24, "email"),
        event(Kind.CONTACTED_US, 50, "chat"),
        event(Kind.VISITED, 1, "store", "shoes"),
    ]
    found = open_intents(log, NOW)
    assert [intent.strength for intent in found] == sorted((i.strength for i in found), reverse=True)
    assert {intent.topic for intent in found} == set(Topic)
    assert next(intent.channel for intent in found if intent.topic is Topic.LOOKED_AT) == "store"
    shuffled = random.Random(1).sample(log, len(log))
    assert open_intents(shuffled, NOW) == found


def test_what_was_begun_long_ago_is_forgotten_and_what_is_to_come_is_unknown() -> None:
    assert open_intents([event(Kind.CARTED, 24 * 30, "app", "shoes")], NOW) == ()
    assert open_intents([event(Kind.CARTED, -1, "app", "shoes")], NOW) == ()
    begun = event(Kind.CARTED, 0, "app", "shoes")
    strengths = [i.strength for days in range(20) for i in open_intents([begun], Instant(NOW + days * DAY))]
    assert strengths == sorted(strengths, reverse=True)
    assert min(strengths) >= FORGOTTEN


@given(
    st.lists(st.tuples(st.sampled_from(list(Kind)), st.floats(0, 4800), st.sampled_from(["hats", None])), max_size=30)
)
def test_what_cannot_matter_any_more_can_be_left_out(happened: list[tuple[Kind, float, str | None]]) -> None:
    events = [event(kind, hours_ago, "app", about) for kind, hours_ago, about in happened]
    recent = [e for e in events if e.kind in MATTERS_US and e.occurred_at >= NOW - MATTERS_US[e.kind]]
    assert open_intents(recent, NOW) == open_intents(events, NOW)

"""What the state says of open topics leaves out no event that matters."""

from hypothesis import example, given
from hypothesis import strategies as st

from features.domain import DAY, HOUR, Category, ChannelName, CustomerId, Event, EventId, Instant, Kind, OfferId
from features.fold import fold
from features.intent import MATTERS_US, open_intents
from features.state import empty
from features.unfinished import unfinished

NOW = Instant(1_700_000_000_000_000)
Happened = tuple[Kind, float, str | None, str | None]
"""The kind, how many hours ago, the category and the offer."""

happenings = st.lists(
    st.tuples(
        st.sampled_from([*MATTERS_US, Kind.RETURNED, Kind.SENT]),
        st.one_of(st.integers(-2, 3), st.floats(-24, 24 * 140)),
        st.sampled_from(["hats", "shoes", "rare", "other", None]),
        st.sampled_from(["o1", None]),
    ),
    max_size=12,
)


def event(number: int, happened: Happened) -> Event:
    kind, hours_ago, category, offer = happened
    at = Instant(NOW - round(hours_ago * HOUR))
    about, of = None if category is None else Category(category), None if offer is None else OfferId(offer)
    return Event(
        "t", EventId(str(number)), CustomerId("a"), kind, ChannelName("app"), at, at, category=about, offer_id=of
    )


@given(happenings, st.sampled_from([frozenset({"hats", "shoes"}), frozenset({"hats", "other"}), None]))
@example([(Kind.CARTED, 2, "hats", None), (Kind.PURCHASED, 1, "hats", None)], None)
def test_what_it_does_not_ask_for_changes_nothing(happened: list[Happened], vocabulary: frozenset[str] | None) -> None:
    events = [event(number, each) for number, each in enumerate(happened)]
    signs = unfinished(fold(empty(), events, categories=vocabulary), NOW)
    if signs is None:
        assert open_intents(events, NOW) == ()
        return
    ended = dict(signs.ended)
    asked = [
        e
        for e in events
        if (e.kind in signs.begun and e.counts_at >= NOW - MATTERS_US[e.kind]) or e.counts_at <= ended.get(e.kind, -1)
    ]
    assert open_intents(asked, NOW) == open_intents(events, NOW)


def asked(*happened: Happened) -> bool:
    events = [event(number, each) for number, each in enumerate(happened)]
    return unfinished(fold(empty(), events, categories=frozenset({"hats", "shoes"})), NOW) is not None


def test_nothing_is_asked_for_where_all_was_bought_or_is_long_ago() -> None:
    looked, bought = (Kind.VISITED, 5, None, None), (Kind.PURCHASED, 5, "hats", None)
    assert asked(looked)
    assert not asked(looked, bought)
    assert not asked((Kind.CARTED, 6, "hats", None), bought)
    assert not asked((Kind.VISITED, 24 * 14, "shoes", None), (Kind.VISITED, 9, None, None), bought)
    assert not asked((Kind.CONTACTED_US, 24 * 31, None, None))


def test_what_was_not_bought_itself_is_asked_for() -> None:
    bought = (Kind.PURCHASED, 1, "hats", None)
    assert asked((Kind.CARTED, 6, "shoes", None), bought)
    assert asked((Kind.CARTED, 6, "rare", None), (Kind.PURCHASED, 1, "unusual", None))
    assert asked((Kind.CONTACTED_US, 24 * 29, None, None), bought)
    assert asked((Kind.VISITED, 6, None, None), (Kind.PURCHASED, -1, None, None))


def test_of_nobody_nothing_is_asked() -> None:
    assert unfinished(None, NOW) is None
    assert unfinished(empty(), Instant(NOW + DAY)) is None

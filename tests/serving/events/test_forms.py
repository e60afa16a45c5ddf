import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import Category, Instant, Kind
from features.instant import format_instant
from serving.events.arrival import Arrival, RefusedError
from serving.events.body import BodyError, Reading, TooManyError, arrivals, items, parse
from serving.identity.identity import identity

NOW = Instant(1_700_000_000_000_000)
HOUR = 3_600_000_000
READING = Reading("USD", frozenset({"store", "email", "web", "app", "push", "chat"}), {"o1": Category("cheese")})
NATIVE = {"event_id": "1", "customer_id": "ann", "kind": "purchased", "channel": "store"}


def read(item: object, reading: Reading = READING) -> Arrival:
    (arrival,) = arrivals(item, NOW, reading)
    return arrival


def refusal(item: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        arrivals(item, NOW, READING)
    return caught.value


def test_the_shortest_event_happened_now_to_the_customer_it_names() -> None:
    arrival = read(NATIVE)
    assert (arrival.source, arrival.event_id, arrival.kind, arrival.channel) == ("api", "1", Kind.PURCHASED, "store")
    assert (arrival.occurred_at, arrival.identities) == (NOW, (identity("customer_id", "ann"),))
    assert arrival.value_minor is None


def test_fields_that_kairos_does_not_know_are_kept() -> None:
    assert read({**NATIVE, "basket": {"items": [1, "a", None]}}).extra == {"basket": {"items": [1, "a", None]}}


def test_addresses_and_numbers_in_unknown_fields_are_kept_only_where_asked_for() -> None:
    item = {
        **NATIVE,
        "traits": {"Email": "ann@example.org", "note": "write to bob@example.org", "phone": "+491711234567"},
    }
    hidden = json.dumps(read(item).extra)
    assert "example.org" not in hidden
    assert "1711234567" not in hidden
    assert identity("email", "ann@example.org").value in hidden
    assert "ann@example.org" in json.dumps(read(item, replace(READING, raw=True)).extra)


def test_the_category_of_an_offer_is_filled_in() -> None:
    assert read({**NATIVE, "offer_id": "o1"}).category == "cheese"
    assert read({**NATIVE, "offer_id": "o1", "category": "wine"}).category == "wine"
    assert read({**NATIVE, "offer_id": "unknown"}).category is None


def test_the_offset_of_the_clock_that_wrote_the_time_is_the_wall_clocks() -> None:
    assert read({**NATIVE, "occurred_at": "2023-11-01T10:00:00-05:00"}).utc_offset_min == -300
    assert read({**NATIVE, "occurred_at": "2023-11-01T10:00:00-05:00", "utc_offset_min": 60}).utc_offset_min == 60
    assert read({**NATIVE, "occurred_at": "2023-11-01T10:00:00Z", "utc_offset_min": 0}).utc_offset_min == 0
    for machine in ("2023-11-01T10:00:00Z", "2023-11-01T10:00:00+00:00", None):
        assert read({**NATIVE, "occurred_at": machine}).utc_offset_min is None


@pytest.mark.parametrize(
    ("change", "code", "names"),
    [
        ({"kind": "teleported"}, "unknown_kind", "purchased"),
        ({"channel": "pigeon"}, "unknown_channel", "store"),
        ({"channel": None}, "missing", "channel"),
        ({"event_id": None}, "missing", "event_id"),
        ({"event_id": "x" * 129}, "wrong_length", "128"),
        ({"event_id": ""}, "wrong_length", "event_id"),
        ({"event_id": "a\x00"}, "wrong_text", "event_id"),
        ({"event_id": "\ud83d"}, "wrong_text", "event_id"),
        ({"customer_id": None}, "no_identity", "customer_id"),
        ({"customer_id": True}, "wrong_type", "customer_id"),
        ({"identities": {"card": "1"}}, "wrong_type", "identities"),
        ({"identities": ["card"]}, "wrong_type", "identities"),
        ({"identities": [{"namespace": "email", "value": "no address"}]}, "wrong_identity", "e-mail"),
        ({"identities": [{"namespace": "card", "value": str(n)} for n in range(11)]}, "too_many_names", "10"),
        ({"occurred_at": "2023-11-01T10:00:00"}, "wrong_instant", "zone"),
        ({"occurred_at": 1_700_000_000}, "wrong_instant", "occurred_at"),
        ({"occurred_at": "1970-01-01T00:00:00Z"}, "too_early", "1990"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, "in_the_future", "24"),
        ({"utc_offset_min": 5_000}, "out_of_range", "utc_offset_min"),
        ({"value_minor": -1}, "out_of_range", "value_minor"),
        ({"value_minor": 1.5}, "wrong_type", "value_minor"),
        ({"value_minor": 10**30}, "out_of_range", "value_minor"),
        ({"value_minor": "12"}, "wrong_type", "value_minor"),
        ({"quantity": float("nan")}, "out_of_range", "quantity"),
        ({"quantity": float("inf")}, "out_of_range", "quantity"),
        ({"machine": "yes"}, "wrong_type", "machine"),
        ({"basket": float("inf")}, "not_a_number", "NaN"),
        ({"basket": "x" * 20_000}, "too_large", "16384"),
        ({"basket": "\ud83d"}, "wrong_text", "half"),
        ({"basket": ["a\x00"]}, "wrong_text", "NUL"),
    ],
)
def test_what_is_wrong_is_refused_by_name_with_the_remedy(change: dict[str, object], code: str, names: str) -> None:
    error = refusal({**NATIVE, **change})
    assert error.code == code
    assert names in error.why


def test_an_instant_is_taken_up_to_a_day_ahead_and_no_further() -> None:
    assert read({**NATIVE, "occurred_at": format_instant(Instant(NOW + 24 * HOUR))}).occurred_at == NOW + 24 * HOUR
    assert refusal({**NATIVE, "occurred_at": format_instant(Instant(NOW + 24 * HOUR + 1))}).code == "in_the_future"


def test_deep_nesting_is_refused_however_deep() -> None:
    nested: object = "x"
    for _ in range(50):
        nested = {"n": [nested]}
    assert refusal({**NATIVE, "basket": nested}).code == "too_deep"
    with pytest.raises(BodyError, match="deep"):
        parse(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize("agent", ["Mozilla/5.0", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "YahooMailProxy; x"])
def test_opens_by_mail_proxies_are_marked(agent: str) -> None:
    item = {**NATIVE, "kind": "viewed", "channel": "email", "user_agent": agent}
    assert read(item).machine
    assert not read({**item, "kind": "clicked"}).machine
    assert not read({**item, "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"}).machine
    assert read({**item, "kind": "clicked", "machine": True}).machine


CLOUD = {
    "specversion": "1.0",
    "id": "7",
    "source": "/till/3",
    "type": "org.example.purchased.v1",
    "time": "2023-11-01T10:00:00Z",
    "subject": "card:4711",
    "traceparent": "00-1-2-01",
    "data": {"channel": "store", "value_minor": 1234},
}


def test_a_cloudevent_is_read_from_its_envelope_and_its_data() -> None:
    arrival = read(CLOUD)
    assert (arrival.source, arrival.event_id, arrival.kind) == ("/till/3", "7", Kind.PURCHASED)
    assert arrival.identities == (identity("card", "4711"),)
    assert (arrival.value_minor, arrival.extra) == (1234, {"traceparent": "00-1-2-01"})
    assert format_instant(arrival.occurred_at) == "2023-11-01T10:00:00Z"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"specversion": "0.3"}, "wrong_version"),
        ({"id": None}, "missing"),
        ({"source": None}, "missing"),
        ({"data_base64": "eA=="}, "wrong_type"),
        ({"data": "text"}, "wrong_type"),
        ({"type": "org.example.unheard"}, "unknown_kind"),
        ({"subject": None}, "no_identity"),
    ],
)
def test_a_broken_cloudevent_is_refused(change: dict[str, object], code: str) -> None:
    assert refusal({**CLOUD, **change}).code == code


def test_segments_identify_and_alias_say_who_is_who_and_nothing_else() -> None:
    identify = {
        "type": "identify",
        "messageId": "1",
        "userId": "ann",
        "anonymousId": "a",
        "traits": {"email": "a@b.org"},
    }
    arrival = read(identify)
    assert arrival.kind is None
    assert arrival.identities == (
        identity("customer_id", "ann"),
        identity("email", "a@b.org"),
        identity("anonymous", "a"),
    )
    assert "a@b.org" not in json.dumps(arrival.extra)
    alias = {"type": "alias", "messageId": "2", "userId": "ann", "previousId": "a"}
    assert read(alias).identities == (identity("customer_id", "ann"), identity("anonymous", "a"))
    assert refusal({**alias, "previousId": None}).code == "no_identity"


def test_segments_pages_are_visits_on_the_web_and_screens_in_the_app() -> None:
    page = {"type": "page", "messageId": "1", "anonymousId": "a", "properties": {"category": "wine"}}
    assert (read(page).kind, read(page).channel, read(page).category) == (Kind.VISITED, "web", "wine")
    assert read({**page, "type": "screen"}).channel == "app"


def test_segments_order_is_one_purchase_per_category_in_minor_units() -> None:
    order = {
        "type": "track",
        "messageId": "m",
        "userId": "ann",
        "event": "Order Completed",
        "properties": {
            "currency": "USD",
            "revenue": 30.0,
            "discount": 1.5,
            "products": [
                {"category": "wine", "price": 10, "quantity": 2},
                {"category": "cheese", "price": 9.99},
                {"category": "wine", "price": 0.01},
            ],
        },
    }
    found = arrivals(order, NOW, READING)
    assert [(a.event_id, a.category, a.value_minor, a.discount_minor) for a in found] == [
        ("m", "cheese", 999, 150),
        ("m#1", "wine", 2001, None),
    ]
    order["properties"] = {"revenue": "12.34"}
    assert [(a.category, a.value_minor) for a in arrivals(order, NOW, READING)] == [(None, 1234)]
    order["properties"] = {"revenue": 1, "currency": "EUR"}
    assert refusal(order).code == "wrong_currency"


def test_segments_unknown_event_names_are_refused_with_those_that_are_known() -> None:
    error = refusal({"type": "track", "messageId": "1", "userId": "ann", "event": "Moon Landed"})
    assert (error.code, "purchased" in error.why) == ("unknown_event", True)


def test_a_body_is_a_list_one_item_or_an_object_with_a_list() -> None:
    for body in ([NATIVE], NATIVE, {"events": [NATIVE]}, {"batch": [NATIVE]}):
        assert items(body) == [NATIVE]


@pytest.mark.parametrize("body", [[], {"events": []}, {"events": "x"}, "text", 7, None])
def test_a_body_without_items_is_refused(body: object) -> None:
    with pytest.raises(BodyError):
        items(body)


def test_more_than_500_items_are_too_many() -> None:
    assert len(items([NATIVE] * 500)) == 500
    with pytest.raises(TooManyError, match="500"):
        items([NATIVE] * 501)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b'{"a": Infinity}', b"\xff", b"9" * 5_000])
def test_what_is_not_json_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(BodyError):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
KNOWN = st.sampled_from(
    ["specversion", "type", "id", "messageId", "event_id", "userId", "kind", "channel", "data", "properties", "traits",
     "identities", "occurred_at", "context", "source", "subject", "event", "value_minor", "timestamp", "previousId"]
)  # fmt: skip


@given(st.dictionaries(KNOWN, JSON | st.sampled_from(["1.0", "track", "identify", "purchased", "store"])))
def test_no_object_whatever_gets_past_with_anything_but_an_event_or_a_refusal(item: dict[str, object]) -> None:
    with suppress(RefusedError):
        assert all(each.identities for each in arrivals(item, NOW, READING))

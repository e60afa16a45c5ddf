from dataclasses import replace

import numpy as np
import pytest

from features import schema, stored, vector
from features.domain import (
    DAY,
    Category,
    Channel,
    ChannelName,
    CustomerId,
    Direction,
    Event,
    EventId,
    Instant,
    Kind,
    Offer,
    OfferId,
)
from features.evidence import pool
from features.feature import Group
from features.fold import fold
from features.rows import PROFILE_VALUES, Profile
from features.schema import EVIDENCE_SCHEMA, SCHEMA, Sum, fingerprint
from features.state import NEVER, State, empty
from features.vector import BY_NAME, FEATURES, matrix, vector_fingerprint
from serving.pairs import Known, Pair, rows

NOW = Instant(1_700_000_000_000_000)
EMAIL = Channel(ChannelName("email"), Direction.OUTBOUND, True, 0.1)
OFFER = Offer(OfferId("o"), "reward", Category("bread"), "Bread", (EMAIL.name,), 400, 100, min_spend_minor=500)


def vector_of_a_stranger() -> dict[str, float]:
    unknown = Profile(np.full(len(PROFILE_VALUES), np.nan), np.int64(NEVER))  # type: ignore[arg-type]
    inputs = rows(Known(NOW, None, unknown, "UTC"), [Pair(OFFER, EMAIL)], pool([OFFER], [EMAIL.name], {}, NOW))
    names = [feature.name for feature in FEATURES]
    return dict(zip(names, matrix(inputs, 1, names)[0].tolist(), strict=True))


def test_every_feature_has_a_name_of_its_own_and_says_what_it_means() -> None:
    assert len(BY_NAME) == len(FEATURES)
    assert all(feature.meaning and feature.unit for feature in FEATURES)


def test_every_group_has_features() -> None:
    assert {feature.group for feature in FEATURES} == set(Group)


def test_every_stored_sum_and_instant_of_a_customer_is_a_feature_or_a_part_of_one() -> None:
    for section in SCHEMA[:4]:
        for each in section.sums:
            assert f"{section.name}_{each.name}" in BY_NAME
        for each in section.extremes:
            assert f"{section.name}_days_since_{each.name}" in BY_NAME


def test_what_is_unknown_of_a_stranger_is_nan_and_never_zero() -> None:
    seen = vector_of_a_stranger()
    unknown = [name for name in seen if "days_since" in name or name.startswith("profile_")]
    unknown += ["customer_mean_purchase", "customer_due", "category_share", "offer_stretch", "evidence_bought_share"]
    assert {name for name in unknown if not np.isnan(seen[name])} == set()


def test_what_a_stranger_has_not_done_is_zero_and_what_is_offered_is_known() -> None:
    seen = vector_of_a_stranger()
    assert seen["customer_purchases_30d"] == 0
    assert (seen["content_margin"], seen["content_min_spend"]) == (400, 500)
    assert 0 < seen["evidence_offer_taken_rate"] < 1
    assert 0 < seen["channel_notice_rate"] < 1


def test_columns_come_in_the_order_asked_and_an_unknown_name_is_refused() -> None:
    unknown = Profile(np.full(len(PROFILE_VALUES), np.nan), np.int64(NEVER))  # type: ignore[arg-type]
    inputs = rows(Known(NOW, empty(), unknown, "UTC"), [Pair(OFFER, EMAIL)], pool([OFFER], [EMAIL.name], {}, NOW))
    assert matrix(inputs, 1, ["content_min_spend", "content_margin"]).tolist() == [[500, 400]]
    with pytest.raises(KeyError):
        matrix(inputs, 1, ["no such feature"])


def test_the_fingerprint_changes_with_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    before = vector_fingerprint()
    assert before == vector_fingerprint()
    monkeypatch.setattr(vector, "FEATURES", FEATURES[:-1])
    assert vector_fingerprint() != before


def test_the_fingerprint_changes_with_what_is_stored() -> None:
    section = SCHEMA[0]
    slower = replace(section, sums=(Sum(section.sums[0].measure, 99.0), *section.sums[1:]))
    fewer = replace(section, extremes=section.extremes[1:])
    seen = {fingerprint(s) for s in (SCHEMA, (slower, *SCHEMA[1:]), (fewer, *SCHEMA[1:]), EVIDENCE_SCHEMA)}
    assert len(seen) == 4


def test_the_earliest_and_the_latest_of_a_measure_are_told_apart_by_the_fingerprint() -> None:
    section = SCHEMA[0]
    turned = replace(section, extremes=tuple(replace(e, earliest=not e.earliest) for e in section.extremes))
    assert fingerprint((turned, *SCHEMA[1:])) != fingerprint(SCHEMA)


def test_the_stored_views_cover_the_schema_once() -> None:
    for view, declared in ((stored.ACTIVITY, schema.SCHEMA), (stored.EVIDENCE, schema.EVIDENCE_SCHEMA)):
        names = [column.name for column in view.columns]
        assert len(names) == len(set(names))
        assert view.fingerprint == fingerprint(declared)


def test_a_state_read_later_has_smaller_sums_and_longer_times() -> None:
    bought = Event("s", EventId("1"), CustomerId("c"), Kind.PURCHASED, ChannelName("store"), NOW, NOW, value_minor=900)
    state: State = fold(empty(), [bought])
    unknown = Profile(np.full(len(PROFILE_VALUES), np.nan), np.int64(NEVER))  # type: ignore[arg-type]
    pooled = pool([OFFER], [EMAIL.name], {}, NOW)
    names = ["customer_amount_30d", "customer_days_since_latest_purchases"]
    at = [
        matrix(rows(Known(Instant(NOW + d * DAY), state, unknown, "UTC"), [Pair(OFFER, EMAIL)], pooled), 1, names)[0]
        for d in (0, 30)
    ]
    assert at[0].tolist() == [900, 0]
    assert at[1].tolist() == [450, 30]


def _open_topics(*happened: tuple[Kind, str | None, float]) -> dict[str, float]:
    events = [
        Event(
            "s", EventId(str(i)), CustomerId("ann"), kind, EMAIL.name, at, at, category=category and Category(category)
        )
        for i, (kind, category, days_ago) in enumerate(happened)
        for at in [Instant(NOW - round(days_ago * DAY))]
    ]
    unknown = Profile(np.full(len(PROFILE_VALUES), np.nan), np.int64(NEVER))  # type: ignore[arg-type]
    known = Known(NOW, fold(empty(), events), unknown, "UTC")
    names = ["category_basket_open", "category_look_open", "customer_question_open", "customer_complaint_open"]
    inputs = rows(known, [Pair(OFFER, EMAIL)], pool([OFFER], [EMAIL.name], {}, NOW))
    return dict(zip(names, matrix(inputs, 1, names)[0].tolist(), strict=True))


def test_a_basket_stays_open_in_its_category_until_something_of_it_is_bought_and_opens_again() -> None:
    assert _open_topics((Kind.CARTED, "bread", 3))["category_basket_open"] == 0.5
    assert _open_topics((Kind.CARTED, "wine", 3))["category_basket_open"] == 0
    assert _open_topics((Kind.CARTED, "bread", 3), (Kind.PURCHASED, "wine", 1))["category_basket_open"] == 0.5
    bought = (Kind.CARTED, "bread", 3), (Kind.PURCHASED, "bread", 1)
    assert _open_topics(*bought)["category_basket_open"] == 0
    assert _open_topics(*bought, (Kind.CARTED, "bread", 0))["category_basket_open"] == 1


def test_looks_questions_and_complaints_are_open_side_by_side_and_fade() -> None:
    found = _open_topics((Kind.CLICKED, "bread", 2), (Kind.CONTACTED_US, None, 7), (Kind.COMPLAINED, None, 30))
    assert found["category_look_open"] == found["customer_question_open"] == found["customer_complaint_open"] == 0.5
    assert _open_topics((Kind.PURCHASED, "bread", 1)) == dict.fromkeys(found, 0.0)

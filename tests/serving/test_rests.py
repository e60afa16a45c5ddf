from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import Catalogue
from features.domain import DAY, Category, DecisionId, Event, Instant, Kind, OfferId
from features.evidence import pool
from features.fold import fold
from features.state import empty
from serving.eligibility import Removal, Shelf, Situation, sift
from serving.eligibility.rest import last_of_enough
from serving.facts import Facts
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.pairs import stranger
from serving.policy.policy import After, Per, Policy, Rest, Sequence
from serving.policy.selector import Selector

DAYS = st.lists(st.integers(0, 100), max_size=8)
Removed = Callable[..., dict[str, Removal]]


@given(DAYS, st.integers(1, 3), st.integers(0, 40))
def test_enough_is_so_many_within_the_days_and_counts_from_the_last_of_them(
    days: list[int], times: int, within: int
) -> None:
    rest = Rest("r", After.DECLINED, times, within, 1)
    instants = [Instant(day * DAY) for day in days]
    enough = [t for t in instants if sum(t - within * DAY <= s <= t for s in instants) >= times]
    assert last_of_enough(rest, instants) == max(enough, default=None)


@pytest.fixture
def removed(shop: Catalogue, now: Instant) -> Removed:
    """What a rule removes of the shop's promotions, by offer: ``removed("rest", policy, events)``."""

    def run(rule: str, policy: Policy, events: list[Event], *, read: bool = True, **more: Any) -> dict[str, Removal]:
        known = replace(stranger(now), activity=fold(empty(), events), events=tuple(events) if read else None)
        shelf = Shelf.of(shop, policy)
        facts = Facts(known, shelf.pairs, pool(shop.offers, [], {}, now))
        channels = frozenset(channel.name for channel in shop.channels)
        found = sift(shelf, Situation(facts, "promotion", channels, **more)).removed
        return {each.pair.offer.offer_id: each for each in found if each.rule == rule}

    return run


@pytest.mark.parametrize("after", list(After))
@pytest.mark.parametrize("days_ago", [1.0, 20.0, 45.0])
def test_the_state_alone_tells_of_one_time_what_the_events_tell(
    removed: Removed, event: Callable[..., Event], after: After, days_ago: float
) -> None:
    kind = {After.DECLINED: Kind.DISMISSED, After.NEGATIVE: Kind.RETURNED, After.IGNORED: Kind.SENT}[after]
    events = [event(kind, days_ago, offer_id=OfferId("promo-tea"))]
    policy = Policy(rests=(Rest("r", after, 1, 30, 30),))
    told = removed("rest", policy, events)
    since = days_ago - (7 if after is After.IGNORED else 0)
    assert set(told) == ({"promo-tea"} if 0 <= since < 30 else set())
    assert {o: r.value for o, r in told.items()} == {
        o: r.value for o, r in removed("rest", policy, events, read=False).items()
    }


@pytest.mark.parametrize(
    ("kind", "given_", "ignored"),
    [
        (Kind.VIEWED, {"offer_id": OfferId("promo-tea")}, False),
        (Kind.VIEWED, {"offer_id": OfferId("promo-rum")}, True),
        (Kind.CLICKED, {}, False),
        (Kind.CLICKED, {"channel": "app"}, True),
        (Kind.PURCHASED, {"category": Category("tea")}, False),
        (Kind.PURCHASED, {"category": Category("rum")}, True),
    ],
)
def test_a_message_is_ignored_where_nothing_in_its_window_shows_that_it_was_noticed(
    removed: Removed, event: Callable[..., Event], kind: Kind, given_: dict[str, Any], ignored: bool
) -> None:
    policy = Policy(rests=(Rest("r", After.IGNORED, 1, 30, 30),))
    sent, answer = event(Kind.SENT, 10, offer_id=OfferId("promo-tea")), event(kind, 5, **given_)
    assert bool(removed("rest", policy, [sent, answer])) is ignored
    assert removed("rest", policy, [sent, replace(answer, occurred_at=Instant(0), received_at=Instant(0))])


def test_a_message_whose_window_is_open_is_not_ignored_yet(removed: Removed, event: Callable[..., Event]) -> None:
    policy = Policy(rests=(Rest("r", After.IGNORED, 1, 30, 30),))
    assert not removed("rest", policy, [event(Kind.SENT, 6.9, offer_id=OfferId("promo-tea"))])
    assert removed("rest", policy, [event(Kind.SENT, 7, offer_id=OfferId("promo-tea"))])


def test_a_confirmed_message_counts_as_sent_once_whether_or_not_its_sending_was_reported(
    removed: Removed, event: Callable[..., Event], now: Instant
) -> None:
    twice = Policy(rests=(Rest("r", After.IGNORED, 2, 30, 30),))
    tea, decision = OfferId("promo-tea"), DecisionId("d1")
    contact = Contact(
        ContactId("k"),
        event(Kind.SENT).channel,
        Instant(now - 9 * DAY),
        (tea,),
        (Category("tea"),),
        ("marketing",),
        0,
        True,
        Standing.CONFIRMED,
        now,
        decision,
    )
    reported = event(Kind.SENT, 9, offer_id=tea, decision_id=decision)
    other = event(Kind.SENT, 20, offer_id=tea)
    ledger = Ledger((contact,))
    assert not removed("rest", twice, [reported], ledger=ledger)
    assert removed("rest", twice, [reported, other], ledger=ledger)
    assert removed("rest", twice, [other], ledger=ledger)


@pytest.mark.parametrize(
    ("per", "resting"),
    [
        (Per.OFFER, {"promo-tea"}),
        (Per.CATEGORY, {"promo-tea"}),
        (Per.PURPOSE, {"promo-tea", "promo-milk", "promo-rum"}),
        (Per.ALL, {"promo-tea", "promo-milk", "promo-rum"}),
    ],
)
def test_what_rests_is_what_the_policy_says(
    removed: Removed, event: Callable[..., Event], per: Per, resting: set[str]
) -> None:
    policy = Policy(rests=(Rest("r", After.DECLINED, 1, 30, 30, per),))
    assert set(removed("rest", policy, [event(Kind.DISMISSED, 2, offer_id=OfferId("promo-tea"))])) == resting


@pytest.mark.parametrize("read", [True, False])
def test_a_sequence_sees_what_is_remembered_as_what_was_read(
    removed: Removed, event: Callable[..., Event], read: bool
) -> None:
    def stopped(events: list[Event], **line: Any) -> set[str]:
        policy = Policy(sequences=(Sequence("s", Selector(offer="promo-rum"), **line),))
        return set(removed("sequence", policy, events, read=read))

    bought = event(Kind.PURCHASED, 3, category=Category("tea"))
    assert stopped([bought], event=Kind.PURCHASED, of_category="tea", within_days=3) == {"promo-rum"}
    assert stopped([bought], event=Kind.PURCHASED, of_category="milk") == set()
    assert stopped([bought], event=Kind.PURCHASED, of_category="tea", within_days=2) == set()
    assert stopped([bought], event=Kind.PURCHASED, of_category="tea", within_days=2, only_after=True) == {"promo-rum"}
    assert stopped([bought], event=Kind.PURCHASED, only_after=True) == set()
    sent = event(Kind.SENT, 3, offer_id=OfferId("promo-tea"))
    assert stopped([sent], event=Kind.SENT, of_offer="promo-tea") == {"promo-rum"}
    assert stopped([sent], event=Kind.SENT, of_category="tea") == {"promo-rum"}
    assert stopped([event(Kind.COMPLAINED, 3)], while_open="complaint") == {"promo-rum"}
    assert stopped([event(Kind.COMPLAINED, 200)], while_open="complaint") == set()

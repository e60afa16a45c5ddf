from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from features.catalogue import Catalogue
from features.domain import DAY, ChannelName, Event, Instant, Kind, OfferId
from features.evidence import pool
from features.fold import fold
from features.state import empty
from serving.consent import EVERY_CHANNEL, MARKETING, Consent, Topic
from serving.eligibility import Removal, Shelf, Sifted, Situation, sift
from serving.facts import Facts
from serving.pairs import Pair, pairs_of, stranger
from serving.policy.policy import DEFAULT, Policy

POST = "postal_marketing"
AGREED = {(POST, EVERY_CHANNEL): Consent(POST, True, Instant(0), "form")}
REST_DAYS = DEFAULT.rests[0].rest_days
Sift = Callable[..., tuple[list[Pair], list[Removal]]]


@pytest.fixture
def shop(shop: Catalogue) -> Catalogue:
    """The shop, whose post needs a consent."""
    post, *others = shop.channels
    return replace(shop, channels=(replace(post, consent_purpose=POST), *others))


def said(purpose: str, granted: bool, channel: str = EVERY_CHANNEL) -> dict[tuple[str, str], Consent]:
    return {(purpose, channel): Consent(purpose, granted, Instant(0), "form", channel)}


@pytest.fixture
def sifted(shop: Catalogue, now: Instant) -> Sift:
    def run(
        kind: str | None,
        events: Iterable[Event] = (),
        channels: Iterable[str] | None = None,
        consents: Mapping[Topic, Consent] = AGREED,
        catalogue: Catalogue = shop,
        policy: Policy = DEFAULT,
        **more: Any,
    ) -> tuple[list[Pair], list[Removal]]:
        allowed = None if channels is None else frozenset(ChannelName(name) for name in channels)
        known = replace(stranger(now), activity=fold(empty(), events), consents=consents)
        facts = Facts(known, pairs_of(catalogue), pool(catalogue.offers, [], {}, now))
        found = sift(Shelf.of(catalogue, policy), Situation(facts, kind, allowed, **more))
        return _pairs(catalogue, found), list(found.removed)

    return run


def _pairs(catalogue: Catalogue, found: Sifted) -> list[Pair]:
    return [pairs_of(catalogue)[row] for row in found.rows.tolist()]


def _why(removed: list[Removal], offer_id: str, channel: str = "direct_mail") -> tuple[str, str] | None:
    found = [r for r in removed if r.pair.offer.offer_id == offer_id and r.pair.channel.name == channel]
    return (found[0].rule, found[0].value) if found else None


def test_every_pair_is_either_eligible_or_removed_once(sifted: Sift, shop: Catalogue, history: list[Event]) -> None:
    for kind in shop.kinds:
        eligible, removed = sifted(kind, history)
        assert len(eligible) + len(removed) == len(pairs_of(shop))
        assert {*eligible}.isdisjoint(removal.pair for removal in removed)


def test_an_offer_is_made_only_while_it_is_valid(sifted: Sift) -> None:
    _, removed = sifted("coupon")
    assert _why(removed, "coupon-old") == ("no_longer_valid", "valid to 2017-09-30T12:00:00Z")
    assert _why(removed, "coupon-soon") == ("not_yet_valid", "valid from 2017-10-02T12:00:00Z")


def test_a_coupon_needs_the_mailing_that_carried_it(sifted: Sift, history: list[Event]) -> None:
    assert _why(sifted("coupon")[1], "coupon-milk") == ("audience", "was never sent mailing")
    assert [pair.offer.offer_id for pair in sifted("coupon", history)[0]] == ["coupon-milk"]


def test_an_inbound_channel_is_open_only_when_the_request_names_it(sifted: Sift) -> None:
    assert _why(sifted("promotion")[1], "promo-milk", "app") is not None
    eligible, removed = sifted("promotion", channels=["app"])
    assert {pair.channel.name for pair in eligible} == {"app"}
    assert _why(removed, "promo-milk", "mailer") == ("channel_not_allowed", "mailer")


def test_a_refusal_on_one_channel_lets_the_offer_rest_on_all(sifted: Sift, event: Callable[..., Event]) -> None:
    no = event(Kind.DISMISSED, REST_DAYS - 1, "app", offer_id=OfferId("promo-tea"))
    _, removed = sifted("promotion", [no], ["app", "mailer", "direct_mail"])
    assert {r.pair.channel.name for r in removed if r.rule == "rest"} == {"app", "mailer", "direct_mail"}
    long_ago = event(Kind.DISMISSED, REST_DAYS + 1, "app", offer_id=OfferId("promo-tea"))
    assert not [r for r in sifted("promotion", [long_ago])[1] if r.rule == "rest"]


def test_a_redeemed_coupon_comes_back_after_its_window(
    sifted: Sift, event: Callable[..., Event], history: list[Event]
) -> None:
    def after(days: float) -> tuple[str, str] | None:
        redeemed = event(Kind.REDEEMED, days, "store", offer_id=OfferId("coupon-milk"))
        return _why(sifted("coupon", [*history, redeemed])[1], "coupon-milk")

    assert after(29) is not None
    assert after(31) is None


def test_the_first_rule_that_objects_is_the_reason(sifted: Sift, event: Callable[..., Event], now: Instant) -> None:
    declined = event(Kind.DISMISSED, 2, offer_id=OfferId("coupon-old"))
    assert _why(sifted("coupon", [declined])[1], "coupon-old") == ("no_longer_valid", "valid to 2017-09-30T12:00:00Z")
    assert _why(sifted("promotion", [declined])[1], "coupon-old") == ("kind", "coupon")
    assert now - DAY > 0


def test_who_objects_to_marketing_is_offered_nothing_anywhere(sifted: Sift, history: list[Event]) -> None:
    for kind in ("promotion", "coupon"):
        eligible, removed = sifted(kind, history, ["app", "mailer", "direct_mail"], AGREED | said(MARKETING, False))
        assert not eligible
        reasons = {r.rule for r in removed if r.pair.offer.kind == kind}
        assert reasons <= {"marketing_objection", "no_longer_valid", "not_yet_valid"}
    assert _why(removed, "coupon-milk") == ("marketing_objection", "objected 1970-01-01T00:00:00Z")


def test_an_objection_on_one_channel_leaves_the_others(sifted: Sift) -> None:
    eligible, removed = sifted("promotion", channels=["app", "mailer"], consents=said(MARKETING, False, "app"))
    assert {pair.channel.name for pair in eligible} == {"mailer"}
    assert _why(removed, "promo-milk", "app") == ("marketing_objection", "objected 1970-01-01T00:00:00Z")


def test_a_channel_that_needs_a_consent_is_closed_until_it_is_given(sifted: Sift) -> None:
    def post(**more: Any) -> tuple[str, str] | None:
        return _why(sifted("promotion", **more)[1], "promo-tea")

    assert post(consents={}) == ("consent", f"{POST} was never given")
    assert post(consents=said(POST, True)) is None
    assert post(consents=said(POST, True, "direct_mail")) is None
    assert post(consents=said(POST, True, "mailer")) == ("consent", f"{POST} was never given")
    refused = ("consent", f"{POST} refused 1970-01-01T00:00:00Z")
    assert post(consents=said(POST, False)) == refused
    assert post(consents=said(POST, True) | said(POST, False, "direct_mail")) == refused
    assert {pair.channel.name for pair in sifted("promotion", consents={})[0]} == {"mailer"}


def test_an_assumed_consent_holds_until_the_customer_says_otherwise(sifted: Sift, shop: Catalogue) -> None:
    assuming = replace(shop, consents_assumed=(POST,))
    assert _why(sifted("promotion", consents={}, catalogue=assuming)[1], "promo-tea") is None
    assert _why(sifted("promotion", consents=said(POST, False), catalogue=assuming)[1], "promo-tea") is not None

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.domain import (
    HOUR,
    Channel,
    ChannelName,
    CustomerId,
    DecisionId,
    Direction,
    Event,
    Importance,
    Instant,
    Kind,
    OfferId,
)
from features.fold import fold
from features.state import empty
from serving.attention import Attention
from serving.consent import MARKETING, PREFERRED, PROFILING, Consent
from serving.decide import decide
from serving.decision import Ask, Decision, silenced
from serving.equipment import Equipment
from serving.pairs import Known, remembered, stranger, vectors
from serving.patience import Patience, Toll
from serving.policy.policy import DEFAULT, Exploration
from serving.score import Model
from serving.shortfall import Lack, Shortfall

EVERYWHERE = ("direct_mail", "mailer", "app")


@pytest.fixture
def decided(equipment: Callable[..., Equipment], history: list[Event], now: Instant) -> Callable[..., Decision]:
    """Ann's decision, all channels open."""

    def run(model: Model | None, kind: str | None = "promotion", limit: int = 10, **given: object) -> Decision:
        known: Known = replace(stranger(now), activity=fold(empty(), history))
        channels = given.get("channels", EVERYWHERE)
        allowed = None if channels is None else frozenset(ChannelName(name) for name in channels)  # type: ignore[attr-defined]
        ask = Ask(DecisionId("d"), CustomerId("ann"), now, kind, allowed, limit)
        ask = replace(ask, **given.get("asked", {}))  # type: ignore[arg-type]
        with_ = replace(equipment(model, **given.get("shop", {})), policy=given.get("policy", DEFAULT))  # type: ignore[arg-type]
        return decide(ask, given.get("known", known), with_)  # type: ignore[arg-type]

    return run


def _random(model: Callable[..., Model], seed: int) -> Model:
    dice = np.random.default_rng(seed)
    taken = {offer: float(dice.random()) for offer in ("promo-milk", "promo-tea", "promo-rum", "coupon-milk")}
    return model(taken, organic=float(dice.random()), noticed=float(dice.random()) if seed % 2 else None)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", [None, "promotion", "coupon", "campaign"])
def test_whatever_the_model_says_the_laws_of_a_decision_hold(
    decided: Callable[..., Decision],
    model: Callable[..., Model],
    equipment: Callable[..., Equipment],
    seed: int,
    kind: str | None,
) -> None:
    found = decided(_random(model, seed), kind)
    eligible = set(found.vectors.pairs)
    removed = {removal.pair for removal in found.funnel.removed}
    assert eligible.isdisjoint(removed)
    assert len(eligible) + len(removed) == found.funnel.considered == len(equipment(None).pairs)
    scored = [item.scored for item in found.items]
    assert {item.pair for item in scored} <= eligible
    assert {item.pair.offer.kind for item in scored} <= {found.kind}
    scores = [item.score for item in scored]
    assert scores == sorted(scores, reverse=True)
    assert len({item.pair.offer.offer_id for item in scored}) == len(scored)
    everything = [*scored, *found.funnel.below_silence]
    assert found.silence.wins == (not any(item.score > 0 for item in everything)) == (not scored)
    assert all(item.score <= 0 for item in found.funnel.below_silence)
    best = max((channel.best.score for channel in found.channels if channel.best), default=-inf)
    if everything:
        assert found.preferred_channel == everything[0].pair.channel.name
        assert best == everything[0].score
    for item in everything:
        parts = item.components
        assert item.score == pytest.approx(
            parts.margin + parts.incentive + parts.unnoticed_incentive + parts.contact_cost + parts.attention
        )


def test_a_channel_that_wears_out_more_is_charged_more_and_gives_way(
    model: Callable[..., Model],
    equipment: Callable[..., Equipment],
    shop: Catalogue,
    history: list[Event],
    now: Instant,
) -> None:
    """Text messages and messages in an app, told apart by what a bundle has learnt."""
    ways = [Channel(ChannelName(name), Direction.OUTBOUND, True, 0.0) for name in ("sms", "app")]
    tea = replace(shop.offer[OfferId("promo-tea")], channels=tuple(way.name for way in ways))
    market = replace(shop, offers=(tea,), channels=tuple(ways))
    patience = Patience(Attention(20.0, 2.0), usual=1.0, tolls=(Toll("sms", 1.5), Toll("app", 0.3)))
    bundle = Patience.of(json.loads(json.dumps(patience.document())))
    held = equipment(model({"promo-tea": 0.6}), market)
    ask = Ask(DecisionId("d"), CustomerId("ann"), now, "promotion", frozenset(way.name for way in ways), 1)
    agreed = {(MARKETING, ""): Consent(MARKETING, True, now, "form")}
    activity = fold(empty(), history)
    known: Known = replace(stranger(now), activity=activity, consents=agreed)
    paid = {}
    for learnt in (bundle, replace(bundle, tolls=())):
        price = learnt.price(DEFAULT.losses)
        found = decide(ask, known, replace(held, attention=price))
        lately = price.price(remembered(activity, "contacts_7d", now))
        costs = {one.channel: -one.best.components.attention for one in found.channels if one.best is not None}
        assert costs == pytest.approx({name: lately * price.share(name) for name in ("sms", "app")})
        paid[bool(learnt.tolls)] = costs
        assert not learnt.tolls or found.preferred_channel == "app"
    assert paid[True]["sms"] > 2 * paid[True]["app"]
    assert paid[False]["sms"] == paid[False]["app"]


def test_each_offer_stands_on_its_best_channel(decided: Callable[..., Decision], model: Callable[..., Model]) -> None:
    found = decided(model({"promo-tea": 0.6}))
    first = found.items[0].scored.pair
    assert (first.offer.offer_id, first.channel.name) == ("promo-tea", "app")
    assert found.preferred_channel == "app"
    scores = {channel.channel: channel.best.score for channel in found.channels if channel.best}
    assert scores["app"] > scores["mailer"] > scores["direct_mail"]


def test_silence_wins_where_every_offer_costs_more_than_it_brings(
    decided: Callable[..., Decision], model: Callable[..., Model]
) -> None:
    found = decided(model(organic=0.9))
    assert found.silence.wins
    assert not found.items
    assert found.preferred_channel is not None
    assert "saying nothing is better" in found.silence.reason


def test_an_undefined_value_ranks_last_and_is_never_offered(
    decided: Callable[..., Decision], model: Callable[..., Model]
) -> None:
    found = decided(model({"promo-milk": nan, "promo-tea": 0.9}))
    assert [item.scored.pair.offer.offer_id for item in found.items] == ["promo-tea", "promo-rum"]
    assert found.funnel.below_silence[-1].score == -inf


def test_at_most_the_limit_is_returned(decided: Callable[..., Decision], model: Callable[..., Model]) -> None:
    assert len(decided(model({}, organic=0.0), limit=2).items) == 2


def test_without_a_kind_the_first_with_an_eligible_offer_is_ranked(
    decided: Callable[..., Decision], model: Callable[..., Model], now: Instant, shop: Catalogue
) -> None:
    assert decided(model(), None).kind == "campaign"
    assert decided(model(), None, known=stranger(now)).kind == "promotion"
    nowhere = decided(model(), None, channels=())
    assert nowhere.kind == shop.kinds[0]
    assert nowhere.silence.reason == "No offer may be made now."


def test_an_answer_ends_with_the_first_of_its_offers(
    decided: Callable[..., Decision], model: Callable[..., Model], now: Instant
) -> None:
    with_tea = decided(model({}, organic=0.0))
    assert with_tea.valid_until == now + HOUR // 2
    without = decided(model({"promo-tea": 0.0}, organic=0.0))
    assert without.valid_until == now + HOUR


def test_a_stranger_is_judged_by_what_all_customers_do(
    decided: Callable[..., Decision], model: Callable[..., Model], now: Instant
) -> None:
    found = decided(model({"promo-tea": 0.6}), known=stranger(now))
    assert found.cold_start
    assert not found.shortfalls
    assert found.items


def test_without_a_model_offers_are_ranked_by_popularity(decided: Callable[..., Decision]) -> None:
    found = decided(None)
    assert found.by_popularity
    assert found.versions.model is None
    assert all(item.scored.organic is None for item in found.items)


def test_a_kind_that_the_model_never_learnt_is_ranked_by_popularity(
    decided: Callable[..., Decision], equipment: Callable[..., Equipment]
) -> None:
    class Unlearnt:
        version = "7"

        def part(self, name: object, kind: str) -> None:
            return None

    found = decided(Unlearnt())  # type: ignore[arg-type]
    assert found.by_popularity
    assert [shortfall.lack for shortfall in found.shortfalls] == [Lack.MODEL_LACKS_KIND]


def test_silenced_keeps_what_was_found_and_offers_nothing(
    decided: Callable[..., Decision], model: Callable[..., Model]
) -> None:
    found = decided(model({"promo-tea": 0.6}))
    quiet = silenced(found, Shortfall(Lack.JOURNAL_UNAVAILABLE, "why"))
    assert quiet.silence.wins
    assert not quiet.items
    assert quiet.vectors is found.vectors


def test_the_recorded_vector_is_what_is_computed_again(
    decided: Callable[..., Decision],
    model: Callable[..., Model],
    equipment: Callable[..., Equipment],
    history: list[Event],
    now: Instant,
) -> None:
    found = decided(model())
    known = replace(stranger(now), activity=fold(empty(), reversed(history)))
    again = vectors(known, found.vectors.pairs, equipment(None).evidence)
    np.testing.assert_allclose(found.vectors.matrix, again, rtol=1e-6)


def test_the_reasons_speak_of_this_customer(decided: Callable[..., Decision], model: Callable[..., Model]) -> None:
    items = {item.scored.pair.offer.offer_id: item for item in decided(model({}, organic=0.0)).items}
    assert items[OfferId("promo-milk")].reasons[0].startswith("Buys milk: last time 3 days ago")
    assert not any("Buys" in reason for reason in items[OfferId("promo-tea")].reasons)


def test_an_event_more_changes_the_vector(
    decided: Callable[..., Decision],
    model: Callable[..., Model],
    event: Callable[..., Event],
    history: list[Event],
    now: Instant,
) -> None:
    before = decided(model())
    more = fold(empty(), [*history, event(Kind.CLICKED, 0.1, "app", offer_id=OfferId("promo-tea"))])
    after = decided(model(), known=replace(stranger(now), activity=more))
    assert not np.array_equal(before.vectors.matrix, after.vectors.matrix, equal_nan=True)


def test_who_objects_to_profiling_gets_what_a_stranger_gets_and_is_told_so(
    decided: Callable[..., Decision], model: Callable[..., Model], history: list[Event], now: Instant
) -> None:
    said = {(PROFILING, ""): Consent(PROFILING, False, now, "form")}
    known = replace(stranger(now), activity=fold(empty(), history), consents=said)
    found, anybody = decided(model({"promo-rum": 0.9}), known=known), decided(None, known=stranger(now))
    assert not found.personal
    assert not found.shortfalls
    assert found.by_popularity
    ranked = [[item.scored.pair for item in (*each.items,)] for each in (found, anybody)]
    assert ranked[0] == ranked[1]
    assert ranked[0]
    np.testing.assert_array_equal(found.vectors.matrix, anybody.vectors.matrix)
    assert [item.reasons for item in found.items] == [item.reasons for item in anybody.items]
    assert len(found.funnel.removed) == len(decided(model(), known=replace(known, consents={})).funnel.removed)


def test_who_objects_to_marketing_gets_silence_with_the_reason(
    decided: Callable[..., Decision], model: Callable[..., Model], history: list[Event], now: Instant
) -> None:
    said = {(MARKETING, ""): Consent(MARKETING, False, now, "form")}
    found = decided(model(), known=replace(stranger(now), activity=fold(empty(), history), consents=said))
    assert not found.items
    assert found.preferred_channel is None
    assert found.silence.reason == "The customer has objected to marketing, so nothing is offered."


def test_the_channel_that_the_customer_asked_for_beats_the_model(
    decided: Callable[..., Decision], model: Callable[..., Model], now: Instant
) -> None:
    said = {(PREFERRED, "direct_mail"): Consent(PREFERRED, True, now, "form", "direct_mail")}
    found = decided(model({"promo-tea": 0.9}), known=replace(stranger(now), consents=said))
    assert (found.preferred_channel, found.declared) == ("direct_mail", True)
    channels = {item.scored.pair.offer.offer_id: item.scored.pair.channel.name for item in found.items}
    assert channels["promo-tea"] == "direct_mail"
    assert channels["promo-rum"] == "mailer"


def test_offers_of_one_moment_share_a_message_and_what_needs_another_is_an_alternative(
    decided: Callable[..., Decision], model: Callable[..., Model], shop: Catalogue
) -> None:
    post = tuple(replace(offer, channels=(ChannelName("direct_mail"),)) for offer in shop.offers if not offer.audience)
    eager = model({"promo-milk": 0.9, "promo-tea": 0.9, "promo-rum": 0.9}, organic=0.0)
    at_once = {"shop": {"catalogue": replace(shop, offers=post)}, "policy": replace(DEFAULT, horizon_hours=0)}
    found = decided(eager, **at_once)
    assert len(found.items) == 3
    assert [contact.offers for contact in found.grant.contacts] == [
        tuple(i.scored.pair.offer.offer_id for i in found.items)
    ]
    assert {item.contact_id for item in found.items} == {"d-1"}
    none = decided(eager, **at_once, asked={"contacts": 0})
    assert [item.scored.pair for item in none.items] == [item.scored.pair for item in found.items]
    assert {item.contact_id for item in none.items} == {None}
    assert not none.grant.contacts


def test_the_customer_who_comes_needs_no_message(decided: Callable[..., Decision], model: Callable[..., Model]) -> None:
    found = decided(model({}, organic=0.0), channels=("app", "mailer"))
    assert found.items
    assert not found.grant.contacts


def test_what_is_mandatory_comes_first_and_only_where_it_is_asked_for(
    decided: Callable[..., Decision], model: Callable[..., Model], shop: Catalogue, now: Instant
) -> None:
    recall = [replace(o, importance=Importance.MANDATORY) if o.offer_id == "promo-rum" else o for o in shop.offers]
    with_recall = {"catalogue": replace(shop, offers=tuple(recall))}
    worthless = model({"promo-rum": 0.0}, organic=0.0)
    objected = {(MARKETING, ""): Consent(MARKETING, False, now, "form")}
    unasked = decided(worthless, None, shop=with_recall)
    assert "promo-rum" not in [item.scored.pair.offer.offer_id for item in unasked.items]
    asked = decided(worthless, "promotion", shop=with_recall, policy=replace(DEFAULT, exploration=Exploration(1.0)))
    assert [(i.scored.pair.offer.offer_id, i.probability) for i in asked.items] == [("promo-rum", 1.0)]
    alone = decided(
        worthless,
        None,
        shop=with_recall,
        asked={"offer_id": OfferId("promo-rum")},
        known=replace(stranger(now), consents=objected),
    )
    assert [item.scored.pair.offer.offer_id for item in alone.items] == ["promo-rum"]
    assert alone.kind == "promotion"


def test_every_choice_of_an_exploring_policy_carries_its_probability(
    decided: Callable[..., Decision], model: Callable[..., Model]
) -> None:
    bold = replace(DEFAULT, exploration=Exploration(control=0.1, random=0.3, floor=0.05, per_root=5.0))
    for number in range(30):
        found = decided(model({}, organic=0.0), policy=bold, asked={"decision_id": DecisionId(f"d{number}")})
        assert all(0 < item.probability < 1 for item in found.items)
        seeded = [
            decided(model({}, organic=0.0), policy=bold, asked={"decision_id": DecisionId(name), "seed": number})
            for name in ("one", "two")
        ]
        assert [i.scored for i in seeded[0].items] == [i.scored for i in seeded[1].items]

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.domain import DAY, Instant
from serving.ledger.shared import takes_of
from serving.leverage import Leverage
from serving.pairs import pairs_of
from serving.policy.policy import DEFAULT, Budget, Capacity, Lever
from serving.policy.selector import Selector
from serving.policy.window import Unit, Window
from serving.worth import Terms

MILK, POST = Selector(category="milk"), Selector(channel="direct_mail")


def terms(shop: Catalogue, *levers: Lever, **context: object) -> Terms:
    pairs = pairs_of(shop)
    rows = np.arange(len(pairs))
    return Leverage(replace(DEFAULT, levers=levers), pairs).terms(rows, np.zeros(len(rows), dtype=np.int64), context)


def test_levers_add_up_and_weights_multiply_where_they_are_about_a_pair(shop: Catalogue) -> None:
    found = terms(
        shop, Lever("a", MILK, 10.0, 2.0), Lever("b", POST, -3.0, 1.5), Lever("c", MILK, 1.0, 0.5, "context.rain")
    )
    for pair, money, weight in zip(pairs_of(shop), found.lever, found.weight, strict=True):
        milk, post = pair.offer.category == "milk", pair.channel.name == "direct_mail"
        assert money == 10.0 * milk - 3.0 * post
        assert weight == 2.0**milk * 1.5**post


@pytest.mark.parametrize(("context", "holds"), [({"rain": True}, True), ({"rain": False}, False), ({}, False)])
def test_a_lever_with_a_condition_needs_it(shop: Catalogue, context: dict[str, object], holds: bool) -> None:
    found = terms(shop, Lever("wet", MILK, 10.0, 1.0, "context.rain"), **context)
    assert found.lever.max() == (10.0 if holds else 0.0)


def test_a_weight_is_on_the_positive_part_alone() -> None:
    found = Terms(np.array([2.0, 2.0]), np.array([1.0, 1.0]), np.array([0.0, -0.5]))
    np.testing.assert_allclose(found.score(np.array([3.0, -3.0])), [7.0, -2.5])


def test_what_is_scarce_costs_what_it_takes_at_its_price(shop: Catalogue, now: Instant) -> None:
    stocked = replace(shop, offers=tuple(replace(o, stock=9) for o in shop.offers))
    policy = replace(
        DEFAULT,
        capacities=(Capacity("post", "direct_mail", 5, Window(calendar=Unit.DAY)),),
        budgets=(Budget("milk", MILK, 1_000.0, Window(calendar=Unit.MONTH)), Budget("all", Selector(), 9_000.0)),
    )
    pairs = pairs_of(stocked)
    moments = np.array([now + (number % 2) * DAY for number in range(len(pairs))])
    keys = {t.key for p, m in zip(pairs, moments.tolist(), strict=True) for t in takes_of(policy, p, Instant(m))}
    prices = {key: 0.25 * number for number, key in enumerate(sorted(keys))}
    found = Leverage(policy, pairs).terms(np.arange(len(pairs)), moments, {}, prices)
    for pair, moment, scarcity in zip(pairs, moments.tolist(), found.scarcity, strict=True):
        takes = takes_of(policy, pair, Instant(moment))
        assert scarcity == pytest.approx(-sum(prices[take.key] * take.amount for take in takes))

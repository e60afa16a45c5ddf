from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.catalogue import Catalogue
from features.domain import HOUR, ChannelName, CustomerId, DecisionId, Event, Importance, Instant, OfferId
from features.fold import fold
from features.state import empty
from serving.circumstances import Circumstances
from serving.decide import decide
from serving.decision import Ask, Decision
from serving.equipment import Equipment
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.pairs import stranger
from serving.policy.policy import DEFAULT, Budget, Cap, Per
from serving.policy.selector import Selector
from serving.policy.window import Unit, Window
from serving.score import Model

ONE_A_DAY = Cap("one a day", Per.ALL, 1, Window(calendar=Unit.DAY))
ANY = Selector()


@pytest.fixture
def granted(
    equipment: Callable[..., Equipment],
    shop: Catalogue,
    model: Callable[..., Model],
    now: Instant,
    history: list[Event],
) -> Callable[..., Decision]:
    """What is granted of three promotions worth making, milk and rum by post, tea by a call."""

    def run(
        ledger: Ledger | None = None, contacts: int = 2, offers: dict[str, object] | None = None, **lines: object
    ) -> Decision:
        where = {"promo-milk": "post", "promo-tea": "call", "promo-rum": "post"}
        channels = tuple(replace(shop.channels[0], name=ChannelName(name)) for name in ("post", "call"))
        made = tuple(
            replace(o, channels=(ChannelName(where[o.offer_id]),), valid_to=None, **(offers or {}))  # type: ignore[arg-type]
            for o in shop.offers
            if o.offer_id in where
        )
        eager = model({"promo-milk": 0.9, "promo-tea": 0.8, "promo-rum": 0.7}, organic=0.0)
        policy = replace(DEFAULT, **{"horizon_hours": 0, **lines})  # type: ignore[arg-type]
        with_ = replace(equipment(eager, replace(shop, offers=made, channels=channels)), policy=policy)
        ask = Ask(DecisionId("d"), CustomerId("ann"), now, "promotion", None, 3, contacts=contacts)
        known = replace(stranger(now), activity=fold(empty(), history))
        return decide(ask, known, with_, circumstances=Circumstances(ledger or Ledger()))

    return run


def offers_of(found: Decision) -> list[tuple[str, ...]]:
    return [contact.offers for contact in found.grant.contacts]


def test_each_channel_has_a_message_as_far_as_messages_are_wanted(granted: Callable[..., Decision]) -> None:
    assert offers_of(granted()) == [("promo-milk", "promo-rum"), ("promo-tea",)]
    assert offers_of(granted(contacts=1)) == [("promo-milk", "promo-rum")]
    assert [item.contact_id for item in granted(contacts=1).items] == ["d-1", None, "d-1"]


def test_a_cap_leaves_room_for_the_first_message_only(granted: Callable[..., Decision]) -> None:
    found = granted(caps=(ONE_A_DAY,))
    assert offers_of(found) == [("promo-milk", "promo-rum")]
    assert len(found.items) == 3


def test_what_would_use_up_more_than_is_left_beside_the_others_is_not_made(granted: Callable[..., Decision]) -> None:
    found = granted(budgets=(Budget("all", ANY, 200.0),))
    assert [item.scored.pair.offer.offer_id for item in found.items] == ["promo-milk", "promo-tea"]
    assert sum(take.amount for take in found.grant.takes if take.key == "budget:all") == 200.0


def test_a_lesser_reservation_gives_way_once(granted: Callable[..., Decision], now: Instant) -> None:
    lesser = Contact(
        ContactId("lesser"), ChannelName("post"), now, (OfferId("x"),), (), ("marketing",), 0, True,
        Standing.RESERVED, Instant(now + HOUR),
    )  # fmt: skip
    found = granted(Ledger((lesser,)), caps=(ONE_A_DAY,), offers={"priority": 50})
    assert found.grant.displaced == ("lesser",)
    assert offers_of(found) == [("promo-milk", "promo-rum")]


def test_what_must_be_told_is_told_beside_every_cap(granted: Callable[..., Decision]) -> None:
    found = granted(caps=(replace(ONE_A_DAY, most=0),), offers={"importance": Importance.TRANSACTIONAL})
    assert offers_of(found) == [("promo-milk", "promo-rum"), ("promo-tea",)]
    assert all(contact.counts for contact in found.grant.contacts)
    silent = granted(offers={"importance": Importance.MANDATORY}, count_transactional=False)
    assert not any(contact.counts for contact in silent.grant.contacts)

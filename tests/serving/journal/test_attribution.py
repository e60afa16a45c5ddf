"""Which events came of which decision, on both databases."""

import json
from dataclasses import replace

import numpy as np
import pytest

from features.domain import DAY, Category, ChannelName, CustomerId, DecisionId, EventId, Instant, Kind, Offer, OfferId
from serving.attribution import Attribution
from serving.events.arrival import Arrival
from serving.identity.identity import identity
from serving.journal import Cause, Journal, Record

NOW = Instant(1_700_000_000_000_000)
TEA, WINE = OfferId("tea"), OfferId("wine")
OFFERS = {
    o: Offer(o, "promotion", Category(o), o, (ChannelName("app"),), 100, 0, buys=Category(o), window_days=days)
    for o, days in ((TEA, 7.0), (WINE, 2.0))
}


@pytest.fixture
def attribution(journal: Journal) -> Attribution:
    """A journal with Ann's decision d-1, which offered tea and wine."""
    decide(journal, "d-1", NOW, TEA, WINE)
    return Attribution(journal, lambda: OFFERS)


def decide(journal: Journal, decision_id: str, at: Instant, *offers: OfferId, customer: str = "ann") -> None:
    answer = json.dumps({"items": [{"offer_id": offer, "channel": "app"} for offer in offers]})
    matrix = np.zeros((0, 0), dtype=np.float32)
    journal.record(Record(DecisionId(decision_id), CustomerId(customer), at, "{}", answer, {}, (), (), matrix))


def tell(journal: Journal, event_id: str, kind: Kind, days: float, customer: str = "ann", **more: object) -> Arrival:
    who, at = (identity("customer_id", customer),), Instant(NOW + round(days * DAY))
    happened = Arrival("t", EventId(event_id), who, kind, ChannelName("app"), at)
    happened = replace(happened, **more)  # type: ignore[arg-type]
    journal.take_in([happened], Cause(Instant(NOW + 30 * DAY), "test", "event"))
    return happened


def came(attribution: Attribution, decision_id: str = "d-1") -> dict[str, bool]:
    return {each.event.event_id: each.attributed for each in attribution.came_of(DecisionId(decision_id))}


def test_what_concerns_an_offer_inside_its_window_came_of_the_decision(attribution: Attribution) -> None:
    journal = attribution.journal
    tell(journal, "clicked", Kind.CLICKED, 1, offer_id=TEA)
    tell(journal, "bought", Kind.PURCHASED, 6.9, category=Category("tea"))
    tell(journal, "too late for wine", Kind.PURCHASED, 3, category=Category("wine"))
    tell(journal, "too late", Kind.PURCHASED, 7.1, category=Category("tea"))
    tell(journal, "before", Kind.CLICKED, -1, offer_id=TEA)
    tell(journal, "something else", Kind.PURCHASED, 1, category=Category("soap"))
    tell(journal, "looked only", Kind.VISITED, 1, category=Category("tea"))
    tell(journal, "somebody else", Kind.CLICKED, 1, customer="bob", offer_id=TEA)
    tell(journal, "a machine", Kind.VIEWED, 1, offer_id=TEA, machine=True)
    assert came(attribution) == {"clicked": True, "bought": True}


def test_an_event_that_names_the_decision_is_shown_and_attributed_inside_the_window_only(
    attribution: Attribution,
) -> None:
    mine = {"decision_id": DecisionId("d-1")}
    for event_id, days, more in (
        ("inside", 1, mine),
        ("after", 8, mine),
        ("before", -1, mine),
        ("not offered", 1, mine | {"offer_id": OfferId("soap")}),
        ("nobody's", 1, {"decision_id": DecisionId("d-9")}),
    ):
        happened = tell(attribution.journal, event_id, Kind.CLICKED, days, **more)
        assert (attribution.remark(happened) is None) == (event_id == "inside")
    assert came(attribution) == {"before": False, "inside": True, "not offered": False, "after": False}


def test_a_later_decision_with_the_same_offer_takes_over(attribution: Attribution) -> None:
    tell(attribution.journal, "1", Kind.CLICKED, 1, offer_id=TEA)
    tell(attribution.journal, "3", Kind.CLICKED, 3, offer_id=TEA)
    decide(attribution.journal, "d-2", Instant(NOW + 2 * DAY), TEA)
    assert came(attribution) == {"1": True}
    assert came(attribution, "d-2") == {"3": True}
    assert came(attribution, "unknown") == {}


def test_a_decision_made_under_another_name_has_what_came_under_the_new_one(journal: Journal) -> None:
    attribution = Attribution(journal, lambda: OFFERS)
    cause = Cause(NOW, "test", "event")
    phone, ann = identity("device", "phone"), identity("customer_id", "ann")
    looked = Arrival("t", EventId("look"), (phone,), Kind.VISITED, ChannelName("app"), NOW)
    (receipt,) = journal.take_in([looked], cause).receipts
    decide(journal, "d-1", NOW, TEA, customer=receipt.customer_id or "")
    journal.take_in([Arrival("t", EventId("link"), (ann, phone), None, ChannelName(""), NOW)], cause)
    tell(journal, "bought", Kind.PURCHASED, 1, category=Category("tea"))
    assert came(attribution) == {"bought": True}

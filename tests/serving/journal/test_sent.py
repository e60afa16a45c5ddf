"""What went out is matched with what was granted; the rest counts as it happened and is told."""

from collections.abc import Callable

import pytest

from features.domain import DAY, HOUR, Category, ChannelName, CustomerId, DecisionId, EventId, Instant, Kind, OfferId
from serving.events.arrival import Arrival, Receipt, Spoken
from serving.identity.identity import distinct, identity
from serving.journal import Cause, Journal
from serving.journal.contact_story import contacts_told, overdrawn
from serving.journal.sent import OVERDRAWN
from serving.journal.standings import confirm, release
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.reservation import Reserved, Take
from tests.serving.journal.test_contacts import ANN, NOW, grant, ledger, wanted

SPOKEN = Spoken("marketing", 3, counts=True)


def sent(number: int, at: int = NOW, **more: object) -> Arrival:
    given: dict[str, object] = {"offer_id": OfferId("tea"), "category": Category("drinks"), "spoken": SPOKEN, **more}
    who = distinct([identity("customer_id", ANN)])
    return Arrival("mta", EventId(f"s{number}"), who, Kind.SENT, ChannelName("email"), Instant(at), **given)  # type: ignore[arg-type]


def told(journal: Journal, *arrivals: Arrival) -> list[Receipt]:
    return list(journal.take_in(arrivals, Cause(Instant(NOW), "mta", "event")).receipts)


def standings(journal: Journal) -> dict[str, Standing]:
    return {each.contact_id: each.standing for each in ledger(journal).contacts}


def test_what_was_granted_and_confirmed_goes_out_as_granted(journal: Journal) -> None:
    grant(journal, wanted("one"))
    journal.write(lambda t: confirm(t, ContactId("one"), NOW))
    for number, offer in enumerate(("tea", "rum")):  # one message with two offers
        (receipt,) = told(journal, sent(number, NOW + HOUR, decision_id=DecisionId("of-one"), offer_id=OfferId(offer)))
        assert receipt.notes == ()
    assert standings(journal) == {"one": Standing.SENT}
    kept = journal.write(lambda t: release(t, ContactId("one"), NOW, "not sent"))
    assert kept is not None
    assert kept.contact.standing is Standing.SENT


def test_a_reservation_that_nobody_confirmed_covers_what_goes_out_before_it_expires(journal: Journal) -> None:
    grant(journal, wanted("one"), wanted("two"))
    first, second = told(
        journal,
        sent(1, NOW + HOUR - 1, extra={"contact_id": "one"}),
        sent(2, NOW + HOUR, extra={"contact_id": "two"}),
    )
    assert (first.notes, second.notes) == ((), (OVERDRAWN,))
    assert [(each.standing, each.moment) for each in ledger(journal).contacts] == [
        (Standing.SENT, NOW),
        (Standing.OVERDRAWN, NOW + HOUR),
    ]


@pytest.mark.parametrize("after", [-2 * HOUR, 2 * DAY])
def test_what_goes_out_at_quite_another_time_counts_then(journal: Journal, after: int) -> None:
    grant(journal, wanted("one"))
    journal.write(lambda t: confirm(t, ContactId("one"), NOW))
    (receipt,) = told(journal, sent(1, NOW + after, decision_id=DecisionId("of-one")))
    assert receipt.notes == (OVERDRAWN,)
    (counted,) = ledger(journal).contacts
    assert (counted.standing, counted.moment) == (Standing.OVERDRAWN, NOW + after)
    assert counted.offers == ("tea", "rum")  # as the grant says, whatever the event left out


def test_what_nobody_granted_is_one_contact_per_message_however_many_offers_it_tells_of(journal: Journal) -> None:
    receipts = told(journal, sent(1), sent(2, offer_id=OfferId("rum")), sent(3, NOW + 1))
    assert [receipt.notes for receipt in receipts] == [(OVERDRAWN,)] * 3
    assert told(journal, sent(1))[0].notes == ()  # a duplicate is counted once
    found = ledger(journal).contacts
    assert [(each.offers, each.moment, each.counts_at(NOW)) for each in found] == [
        (("tea", "rum"), NOW, True),
        (("tea",), NOW + 1, True),
    ]
    with journal.reading() as connection:
        listed = overdrawn(connection, 0, 10)
        assert [each.contact for _, each in listed] == list(found)
        assert overdrawn(connection, listed[0][0], 1) == listed[1:]


def test_what_uses_no_attention_is_no_contact(journal: Journal) -> None:
    told(journal, sent(1, spoken=None))
    assert ledger(journal).contacts == ()


def test_what_went_out_after_it_was_given_back_has_used_up_what_it_took(journal: Journal) -> None:
    assert isinstance(grant(journal, wanted("one"), takes=(Take("stock:tea", 1, 1, ContactId("one")),)), Reserved)
    journal.write(lambda t: release(t, ContactId("one"), NOW, "not sent"))
    assert ledger(journal, keys=("stock:tea",)).taken == {"stock:tea": 0}
    told(journal, sent(1, decision_id=DecisionId("of-one")))
    assert ledger(journal, keys=("stock:tea",)).taken == {"stock:tea": 1}


def test_a_second_message_on_one_grant_is_overdrawn(journal: Journal) -> None:
    grant(journal, wanted("one"))
    told(journal, sent(1, decision_id=DecisionId("of-one")))
    (receipt,) = told(journal, sent(2, NOW + 3 * DAY, decision_id=DecisionId("of-one")))
    assert receipt.notes == (OVERDRAWN,)
    assert sorted(standings(journal).values()) == [Standing.OVERDRAWN, Standing.SENT]


def test_the_story_of_a_contact_tells_every_change(open_journal: Callable[[], Journal]) -> None:
    journal = open_journal()
    grant(journal, wanted("one"))
    journal.write(lambda t: confirm(t, ContactId("one"), NOW))
    told(journal, sent(1, decision_id=DecisionId("of-one")))
    with journal.reading() as connection:
        (story,) = contacts_told(connection, ANN)
    changes = story["changes"]
    assert isinstance(changes, list)
    assert [change["standing"] for change in changes] == ["confirmed", "sent"]


def test_contacts_are_erased_with_the_customer_and_what_they_used_up_stays_used_up(journal: Journal) -> None:
    other = CustomerId("bob")
    for customer_id in (ANN, other):
        asked: list[Contact] = [wanted(f"{customer_id}-{n}") for n in (1, 2, 3)]
        takes = tuple(Take("stock:tea", 1, 9, each.contact_id) for each in asked)
        assert isinstance(grant(journal, *asked, customer_id=customer_id, takes=takes), Reserved)
    journal.write(lambda t: confirm(t, ContactId("ann-1"), NOW))
    journal.write(lambda t: release(t, ContactId("ann-2"), NOW, "not sent"))
    journal.erase(ANN, Cause(NOW, "test", "asked for"))
    assert ledger(journal).contacts == ()
    assert len(ledger(journal, other).contacts) == 3
    assert ledger(journal, keys=("stock:tea",)).taken == {"stock:tea": 4}
    with journal.reading() as connection:
        assert contacts_told(connection, ANN) == []

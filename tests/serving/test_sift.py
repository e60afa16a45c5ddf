from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import Catalogue
from features.domain import (
    DAY,
    HOUR,
    Category,
    Channel,
    ChannelName,
    CustomerId,
    Direction,
    Event,
    EventId,
    Importance,
    Instant,
    Kind,
    Offer,
    OfferId,
)
from features.evidence import pool
from features.fold import fold
from features.instant import parse_instant
from features.state import empty
from serving.consent import EVERY_CHANNEL, MARKETING, Consent
from serving.eligibility import RULES, Shelf, Sifted, Situation, sift
from serving.eligibility.memory import needs_of, spans
from serving.eligibility.objection import Rule, TimeRule
from serving.eligibility.removals import STAYS
from serving.facts import Facts
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.pairs import Known, stranger
from serving.policy.policy import After, Budget, Cap, Capacity, Per, Policy, Quiet, Requirement, Rest, Sequence
from serving.policy.selector import Selector
from serving.policy.window import Unit, Window

AT = parse_instant("2024-05-06T18:20:00Z")
CHANNELS = (
    Channel(ChannelName("email"), Direction.OUTBOUND, True, 1.0, "email_marketing"),
    Channel(ChannelName("poster"), Direction.OUTBOUND, False, 1.0),
    Channel(ChannelName("app"), Direction.INBOUND, True, 0.0),
    Channel(ChannelName("radio"), Direction.BROADCAST, False, 0.0),
)
NAMES = [channel.name for channel in CHANNELS]
OFFERS = ("milk", "rum", "tea", "receipt")


@st.composite
def offers(draw: st.DrawFn) -> tuple[Offer, ...]:
    """Four offers of two kinds with any validity, stock, audience and rule."""
    return tuple(
        Offer(
            OfferId(name),
            draw(st.sampled_from(["promotion", "service"])),
            Category(draw(st.sampled_from(["drinks", "food"]))),
            name,
            tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))),
            draw(st.integers(0, 900)),
            draw(st.integers(0, 90)),
            valid_from=draw(st.sampled_from([None, Instant(AT - DAY), Instant(AT + DAY)])),
            valid_to=draw(st.sampled_from([None, Instant(AT - 1), Instant(AT + 3 * HOUR)])),
            audience=draw(st.sampled_from([None, OfferId("milk")])),
            importance=draw(st.sampled_from([Importance.PROMOTIONAL, *Importance])),
            priority=draw(st.sampled_from([0, 60])),
            purpose=draw(st.sampled_from([MARKETING, "service"])),
            stock=draw(st.sampled_from([None, 0, 5])),
            rule=draw(
                st.sampled_from(["", "profile.age_years > 18", "offer.margin_minor > 100 or channel.addressable"])
            ),
        )
        for name in OFFERS
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy in which each kind of line may stand."""
    about = st.builds(Selector, category=st.sampled_from([None, "food"]), channel=st.sampled_from([None, "email"]))

    def some(line: st.SearchStrategy[object]) -> tuple[object, ...]:
        return tuple(draw(st.lists(line, max_size=1)))

    window = st.sampled_from([Window(hours=24), Window(calendar=Unit.DAY)])
    calendar = st.sampled_from([Window(calendar=Unit.DAY), Window(calendar=Unit.MONTH)])
    lines = {
        "closed_channels": st.just("radio"),
        "caps": st.builds(Cap, st.just("cap"), st.sampled_from(Per), st.integers(0, 2), window),
        "quiet": st.builds(Quiet, st.integers(0, 1439), st.integers(0, 1439)),
        "rests": st.builds(Rest, st.just("rest"), st.sampled_from(After), st.just(1), st.just(30), st.just(30)),
        "sequences": st.builds(
            Sequence,
            st.just("s"),
            about,
            st.just(Kind.SENT),
            st.none(),
            st.none(),
            st.just(9),
            only_after=st.booleans(),
        ),
        "requirements": st.builds(Requirement, st.just("r"), st.just("m"), st.just("context.rain"), about),
        "capacities": st.builds(Capacity, st.just("c"), st.just("email"), st.integers(0, 9), calendar),
        "budgets": st.builds(Budget, st.just("b"), about, st.integers(0, 99), st.none() | calendar),
    }
    return Policy(**{name: some(line) for name, line in lines.items()}, horizon_hours=6)  # type: ignore[arg-type]


@st.composite
def customers(draw: st.DrawFn) -> Known:
    """Somebody with a short history and some consents."""
    events = tuple(
        Event("t", EventId(str(n)), CustomerId("ann"), kind, channel, at, at, 0, OfferId(name), None, 1)
        for n in range(draw(st.integers(0, 5)))
        for kind in (draw(st.sampled_from([Kind.SENT, Kind.VIEWED, Kind.DISMISSED, Kind.REDEEMED, Kind.BOUNCED])),)
        for channel in (draw(st.sampled_from(NAMES)),)
        for name in (draw(st.sampled_from(OFFERS)),)
        for at in (Instant(AT - draw(st.integers(0, 60)) * DAY),)
    )
    topics = draw(st.lists(st.sampled_from([(MARKETING, "app"), ("service", EVERY_CHANNEL), ("email_marketing", "")])))
    consents = {topic: Consent(topic[0], draw(st.booleans()), Instant(0), "form", topic[1]) for topic in topics}
    read = events if draw(st.booleans()) else None
    return replace(
        stranger(AT),
        activity=fold(empty(), events) if events else None,
        zone="Europe/Berlin",
        consents=consents,
        events=read,
    )


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """A few messages around now."""
    contacts = tuple(
        Contact(
            ContactId(str(n)),
            ChannelName("email"),
            Instant(AT + draw(st.integers(-40, 5)) * HOUR),
            (OfferId(name),),
            (Category("food"),),
            (MARKETING,),
            0,
            True,
            draw(st.sampled_from(Standing)),
            Instant(AT + HOUR),
        )
        for n in range(draw(st.integers(0, 3)))
        for name in (draw(st.sampled_from(OFFERS)),)
    )
    return Ledger(contacts, taken={"stock:milk": 5.0, "stock:rum": 1.0})


def sifted(catalogue: Catalogue, policy: Policy, known: Known, ledger: Ledger, kind: str | None) -> Sifted:
    shelf = Shelf.of(catalogue, policy)
    facts = Facts(known, shelf.pairs, pool(catalogue.offers, NAMES, {}, AT), {"rain": True})
    return sift(shelf, Situation(facts, kind, frozenset(NAMES[:3]), ledger=ledger))


def told(found: Sifted, catalogue: Catalogue) -> dict[tuple[str, str], object]:
    """What was said of each pair: its open moments, or why it was removed."""
    pairs = Shelf.of(catalogue, Policy()).pairs
    kept = {
        (pairs[row].offer.offer_id, pairs[row].channel.name): moments.tolist()
        for row, moments in zip(found.rows.tolist(), found.open, strict=True)
    }
    return kept | {(r.pair.offer.offer_id, r.pair.channel.name): (r.rule, r.value) for r in found.removed}


@given(offers(), policies(), customers(), ledgers(), st.sampled_from([None, "promotion", "service", "other"]))
def test_what_is_worked_out_once_for_all_is_what_every_rule_says_of_each(
    made: tuple[Offer, ...], policy: Policy, known: Known, ledger: Ledger, kind: str | None
) -> None:
    catalogue = Catalogue("t", "EUR", AT, "t", made, CHANNELS)
    shelf = Shelf.of(catalogue, policy)
    facts = Facts(known, shelf.pairs, pool(catalogue.offers, NAMES, {}, AT), {"rain": True})
    for channels in (frozenset(NAMES[:3]), frozenset(NAMES), None):
        for taken in (ledger, replace(ledger, taken={})):
            situation = Situation(facts, kind, channels, ledger=taken)
            found = sift(shelf, situation)
            asked = [(rule.name, rule.objection(shelf, situation)) for rule in RULES if isinstance(rule, Rule)]
            for place, number in enumerate(found.removed.numbers.tolist()):
                first = next(((name, o.why(place)) for name, o in asked if o is not None and o.pairs[place]), None)
                rule = None if number == STAYS else RULES[number]
                if first is None or (kind is None and rule is RULES[0]):
                    assert rule is None or rule is RULES[0] or isinstance(rule, TimeRule)
                else:
                    assert next((r.rule, r.value) for r in found.removed if r.pair is shelf.pairs[place]) == first


@given(offers(), policies(), customers(), ledgers(), st.sampled_from(["promotion", "service"]))
def test_what_is_said_of_an_offer_does_not_depend_on_those_beside_it(
    made: tuple[Offer, ...], policy: Policy, known: Known, ledger: Ledger, kind: str
) -> None:
    every = Catalogue("t", "EUR", AT, "t", made, CHANNELS)
    alone = {}
    for offer in made:
        catalogue = replace(every, offers=(offer,))
        alone |= told(sifted(catalogue, policy, known, ledger, kind), catalogue)
    assert told(sifted(every, policy, known, ledger, kind), every) == alone


@given(offers(), policies(), customers(), ledgers())
def test_every_pair_is_removed_once_with_its_reason_or_has_a_moment(
    made: tuple[Offer, ...], policy: Policy, known: Known, ledger: Ledger
) -> None:
    catalogue = Catalogue("t", "EUR", AT, "t", made, CHANNELS)
    found = sifted(catalogue, policy, known, ledger, None)
    pairs = Shelf.of(catalogue, policy).pairs
    assert len(found.rows) + len(found.removed) == len(pairs)
    assert {id(pairs[row]) for row in found.rows.tolist()}.isdisjoint(id(r.pair) for r in found.removed)
    assert found.open.any(axis=1).all()
    assert all(removal.value for removal in found.removed)
    assert sum(found.removed.counts().values()) == len(found.removed)
    assert list(found.removed.counts()) == [r.name for r in RULES if r.name in found.removed.counts()]
    assert {pairs[row].offer.kind for row in found.rows.tolist()} <= {found.kind}
    waiting = found.open[:, 1:].any(axis=1)
    assert all(pairs[row].channel.direction is Direction.OUTBOUND for row in found.rows[waiting].tolist())
    assert np.array_equal(found.rows, np.sort(found.rows))


@given(offers(), policies(), customers(), ledgers())
def test_without_a_kind_the_first_with_something_to_offer_is_ranked_as_if_it_were_asked_for(
    made: tuple[Offer, ...], policy: Policy, known: Known, ledger: Ledger
) -> None:
    promotions = tuple(replace(offer, importance=Importance.PROMOTIONAL) for offer in made)
    catalogue = Catalogue("t", "EUR", AT, "t", promotions, CHANNELS)
    each = {kind: sifted(catalogue, policy, known, ledger, kind) for kind in catalogue.kinds}
    first = next((kind for kind in catalogue.kinds if len(each[kind].rows)), catalogue.kinds[0])
    found = sifted(catalogue, policy, known, ledger, None)
    assert found.kind == first
    assert told(found, catalogue) == told(each[first], catalogue)


@given(offers(), policies(), customers(), ledgers())
def test_the_events_that_the_state_asks_for_tell_all_that_matters(
    made: tuple[Offer, ...], policy: Policy, known: Known, ledger: Ledger
) -> None:
    catalogue = Catalogue("t", "EUR", AT, "t", made, CHANNELS)
    events = known.events or ()
    read = spans(needs_of(policy, catalogue), known.activity, AT)
    asked = tuple(event for event in events if event.occurred_at >= AT - read.get(event.kind, -1))
    full = sifted(catalogue, policy, replace(known, events=events), ledger, None)
    less = sifted(catalogue, policy, replace(known, events=asked), ledger, None)
    assert told(less, catalogue) == told(full, catalogue)

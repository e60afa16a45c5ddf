from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import Catalogue
from features.domain import HOUR, Category, Channel, ChannelName, Direction, Instant, Offer, OfferId
from features.evidence import pool
from features.instant import parse_instant
from serving.eligibility import Shelf, Situation
from serving.eligibility.capping import capped
from serving.facts import Facts
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.ledger.counting import blocked, holding, kept_slots, subject_of
from serving.pairs import stranger
from serving.policy.policy import Cap, Kept, Per, Policy
from serving.policy.window import Unit, Window

AT = parse_instant("2024-03-30T18:20:00Z")
"""Before the clocks of Berlin are put forward."""
CHANNELS = tuple(ChannelName(name) for name in ("email", "sms"))
SHOP = Catalogue(
    "shop",
    "EUR",
    AT,
    "shop",
    tuple(
        Offer(OfferId(f"o{n}"), "k", Category(f"c{n % 2}"), "x", CHANNELS, 1, 0, priority=10 * n, purpose=f"p{n // 2}")
        for n in range(4)
    ),
    tuple(Channel(name, Direction.OUTBOUND, True, 1.0) for name in CHANNELS),
)
WINDOWS = st.one_of(
    st.sampled_from([1.0, 5.0, 24.0, 168.0]).map(lambda hours: Window(hours=hours)),
    st.sampled_from(Unit).map(lambda unit: Window(calendar=unit)),
)
NAMES = {Per.CHANNEL: "sms", Per.OFFER: "o1", Per.CATEGORY: "c1", Per.PURPOSE: "p1"}


@st.composite
def caps(draw: st.DrawFn) -> tuple[Cap, ...]:
    """Up to three caps of any kind, some of them about one thing only."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        per = draw(st.sampled_from(Per))
        of = NAMES.get(per) if draw(st.booleans()) else None
        found.append(Cap(f"cap{number}", per, draw(st.integers(0, 3)), draw(WINDOWS), of))
    return tuple(found)


@st.composite
def contacts(draw: st.DrawFn) -> tuple[Contact, ...]:
    """Up to eight messages of the days around, some of which no longer count."""
    return tuple(
        Contact(
            ContactId(str(number)),
            draw(st.sampled_from(CHANNELS)),
            Instant(AT + draw(st.integers(-200, 30)) * HOUR),
            (offer.offer_id,),
            (offer.category,),
            (offer.purpose,),
            offer.priority,
            draw(st.booleans()),
            draw(st.sampled_from(Standing)),
            Instant(AT + draw(st.integers(-1, 1)) * HOUR),
        )
        for number in range(draw(st.integers(0, 8)))
        for offer in (draw(st.sampled_from(SHOP.offers)),)
    )


@given(caps(), contacts(), st.sampled_from([None, Kept(0.5, 15)]))
def test_all_pairs_at_once_are_capped_as_the_ledger_counts_each(
    limits: tuple[Cap, ...], told: tuple[Contact, ...], kept: Kept | None
) -> None:
    shelf = Shelf.of(SHOP, Policy(caps=limits, kept=kept))
    known = replace(stranger(AT), zone="Europe/Berlin")
    facts = Facts(known, shelf.pairs, pool(SHOP.offers, CHANNELS, {}, AT))
    moments = shelf.timetable.moments(AT, known.zone)
    rows = np.arange(len(shelf.pairs))
    found = capped(shelf, Situation(facts, ledger=Ledger(told)), moments, rows)
    for place, pair in enumerate(shelf.pairs):
        held = holding(told, AT, pair.offer.priority)
        each = [
            blocked(
                cap,
                subject_of(cap.per, pair),
                held,
                moments.instants,
                known.zone,
                kept_slots(kept, cap, pair.offer.priority),
            )
            for cap in limits
        ]
        expected = np.logical_or.reduce(each)
        assert np.array_equal(found.moments[place] if found else np.zeros(len(moments), dtype=bool), expected)
        named = [cap.name for cap, over in zip(limits, each, strict=True) if over.any()]
        if found is not None:
            assert [text.split(":")[0] for text in found.why(place).split("; ") if text] == named

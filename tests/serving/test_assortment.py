"""What is computed in factors is, bit by bit, what is computed pair by pair."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.codec import SchemaMismatchError
from features.domain import DAY, Category, ChannelName, CustomerId, Event, EventId, Instant, Kind, OfferId
from features.evidence import pool
from features.fold import fold
from features.packed_state import PackedState, pack_state
from features.rows import PROFILE_VALUES, Profile
from features.state import NEVER, State, empty
from features.stored import ACTIVITY
from serving.assortment import Assortment
from serving.pairs import Known, Pair, pairs_of, stranger, vectors

START = Instant(1_500_000_000_000_000)
AT = Instant(START + 400 * DAY)


def history(catalogue: Catalogue, seed: int, n: int) -> State:
    """Random events on the catalogue's offers, categories and channels and on some it does not have."""
    rng = np.random.default_rng(seed)
    offers = [None, OfferId("gone"), *(offer.offer_id for offer in catalogue.offers)]
    categories = [None, Category("never heard of"), *sorted(catalogue.categories)]
    channels = [ChannelName("fax"), *catalogue.channel]
    kinds = list(Kind)
    events = []
    for number in range(n):
        at = Instant(START + int(rng.integers(0, 400 * DAY)))
        events.append(
            Event(
                "test",
                EventId(str(number)),
                CustomerId("ann"),
                kinds[rng.integers(len(kinds))],
                channels[rng.integers(len(channels))],
                at,
                at,
                utc_offset_min=0,
                offer_id=offers[rng.integers(len(offers))],
                category=categories[rng.integers(len(categories))],
                value_minor=int(rng.integers(1, 9_000)),
                discount_minor=int(rng.integers(0, 900)),
            )
        )
    return fold(empty(), events, categories=catalogue.categories)


def somebody(catalogue: Catalogue, seed: int, n: int, at: Instant = AT) -> Known:
    rng = np.random.default_rng(seed)
    told = np.where(rng.random(len(PROFILE_VALUES)) < 0.5, rng.integers(0, 3, len(PROFILE_VALUES)), np.nan)
    since = np.int64(NEVER if seed % 3 == 0 else START - seed * DAY)
    zone = ["UTC", "America/New_York", "Asia/Kathmandu"][seed % 3]
    return Known(at, history(catalogue, seed, n) if n else None, Profile(told, since), zone)  # type: ignore[arg-type]


def same_bits(known: Known, pairs: Sequence[Pair], catalogue: Catalogue) -> bool:
    evidence = pool(catalogue.offers, list(catalogue.channel), {}, known.at)
    found = Assortment(pairs, evidence).factors(known).matrix(np.arange(len(pairs)))
    return found.tobytes() == vectors(known, pairs, evidence).tobytes()


@pytest.mark.parametrize("seed", range(40))
def test_factors_make_the_very_vectors_that_are_computed_pair_by_pair(seed: int, shop: Catalogue) -> None:
    at = Instant(AT + (11 * seed - 30) * DAY)
    assert same_bits(somebody(shop, seed, [0, 1, 5, 60][seed % 4], at), pairs_of(shop), shop)


def test_some_of_the_pairs_have_the_same_vectors_as_among_all(shop: Catalogue) -> None:
    known, pairs = somebody(shop, 7, 40), pairs_of(shop)
    evidence = pool(shop.offers, list(shop.channel), {}, known.at)
    some = np.array([len(pairs) - 1, 0])
    found = Assortment(pairs, evidence).factors(known).matrix(some)
    assert found.tobytes() == vectors(known, [pairs[place] for place in some], evidence).tobytes()


def test_what_is_stored_says_the_same_as_the_state_and_is_refused_where_it_is_cut_off(shop: Catalogue) -> None:
    known, pairs = somebody(shop, 7, 40), pairs_of(shop)
    assert known.activity is not None
    assortment = Assortment(pairs, pool(shop.offers, list(shop.channel), {}, known.at))
    packed = pack_state(ACTIVITY, PackedState(AT, AT, 3, known.activity))
    found = assortment.factors(replace(known, packed=packed))
    assert found.flat.tobytes() == assortment.factors(known).flat.tobytes()
    expired = assortment.factors(replace(known, activity=None, packed=packed))
    assert expired.flat.tobytes() == assortment.factors(replace(known, activity=None)).flat.tobytes()
    with pytest.raises(SchemaMismatchError, match="cut off"):
        assortment.factors(replace(known, packed=packed[:400]))


def test_a_stranger_and_a_single_pair_are_no_exception(shop: Catalogue) -> None:
    assert same_bits(stranger(AT), pairs_of(shop), shop)
    assert same_bits(somebody(shop, 3, 30), pairs_of(shop)[:1], shop)

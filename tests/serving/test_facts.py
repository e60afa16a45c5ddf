from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.domain import Event, Instant
from features.evidence import pool
from features.fold import fold
from features.rows import PROFILE_VALUES, Profile
from features.state import NEVER, empty
from serving.comparison import Sort
from serving.facts import CUSTOMER_NAMES, NAMES, Facts, of_pairs
from serving.pairs import NAMES as VECTOR
from serving.pairs import pairs_of, stranger, vectors
from serving.predicate import compile


@pytest.fixture
def facts(shop: Catalogue, history: list[Event], now: Instant) -> Facts:
    told = Profile(np.array([40.0, np.nan, 2.0, 0.0, 1.0, 0.0]), np.array(NEVER, dtype=np.int64))
    known = replace(stranger(now), activity=fold(empty(), history), profile=told)
    evidence = pool(shop.offers, [channel.name for channel in shop.channels], {}, now)
    return Facts(known, pairs_of(shop), evidence, {"rain": True})


def test_every_name_has_a_value_of_its_sort_for_one_or_for_each_pair(facts: Facts) -> None:
    fixed = of_pairs(facts.pairs)
    for name, sort in NAMES.items():
        if sort is Sort.ANY:
            continue
        value = fixed[name] if name in fixed else facts.read(name)
        shape = np.shape(value)
        assert shape in ((), (len(facts.pairs),)), name
        assert name not in CUSTOMER_NAMES or shape == ()
        if sort is Sort.NUMBER:
            assert np.asarray(value).dtype == np.float64, name


def test_conditions_see_the_features_that_the_models_see(facts: Facts) -> None:
    seen = vectors(facts.known, facts.pairs, facts.evidence)
    for column, name in enumerate(VECTOR):
        value = np.broadcast_to(facts.read(f"feature.{name}"), len(facts.pairs)).astype(np.float32)
        assert np.array_equal(value, seen[:, column], equal_nan=True), name


def test_what_the_customer_told_is_read_in_words(facts: Facts, holds: Callable[[str], bool]) -> None:
    assert holds("profile.gender == 'm' and not profile.home_owner and profile.age_years == 40")
    assert holds("profile.income_minor is None and profile.tenure_days is None and context.rain")
    assert not holds("profile.income_minor < 10 or profile.income_minor >= 10")
    assert len(PROFILE_VALUES) == len(facts.known.profile.values)


@pytest.fixture
def holds(facts: Facts) -> Callable[[str], bool]:
    return lambda text: bool(compile(text, NAMES).holds(facts.read))

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
import tracemalloc
from collections.abc import Callable
from functools import _lru_cache_wrapper, cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import features
import serving
from features.clock import SimulatedClock
from features.codec import Packed, pack
from features.domain import DAY, HOUR, Instant, Kind
from features.stored import PROFILE
from serving.eligibility.shelf import Shelf
from serving.equipment import Equipment
from serving.garbage import settle
from serving.language import Language
from serving.moments import Timetable
from serving.parts import Parts
from serving.policy.policy import Quiet
from tests.serving.conftest import NOW

pytestmark = pytest.mark.slow

MOST_MB = 4.0
"""What a full cache may take, at the longest of what it is asked."""
WEIGHED = 100
"""Entries that are put in to know what one takes."""
FEWEST = 64
"""Entries up to which a cache need not be weighed."""
EN, WEEK_HOURS = Language.EN, 168
NIGHT = Timetable((Quiet(0, 360),), tuple(f"channel-{n}" for n in range(10)), WEEK_HOURS)
MINUTE = NOW // 60_000_000


def profile(n: int) -> bytes:
    told = dict.fromkeys(("age_years", "income_minor", "household_size", "children", "gender", "home_owner"), float(n))
    return pack(PROFILE, Packed(NOW, NOW, 0, {**told, "member_since_us": n, "zone": "Europe/Berlin"}))


ASKED: dict[str, Callable[[int], tuple[Any, ...]]] = {
    "features.instant.format_instant": lambda n: (Instant(NOW + n),),
    "features.moment._offset_min": lambda n: ("Europe/Berlin", 2_000_000 + n),
    "serving.eligibility.footing._made": lambda n: (object(),),
    "serving.eligibility.occasion._bound": lambda n: ("from", NOW + n * DAY),
    "serving.german_values.german_value": lambda n: ("stock", f"{n} of 100000 granted"),
    "serving.journal.contacts._words": lambda n: (f'["offer-{n}", "coupon-coffee", "reward-anything"]',),
    "serving.journal.packed_record._squeezed": lambda n: (tuple(f"{n}.feature.{each}" for each in range(200)),),
    "serving.journal.packed_record._names": lambda n: (zipped(n),),
    "serving.journal.past.recent": lambda n: (((Kind.PURCHASED, DAY), (Kind.SENT, n * DAY)),),
    "serving.journal.record.listed": lambda n: (("model", f"20171001-120000-{n}"), ("features", "0123456789abcdef")),
    "serving.leverage._untouched": lambda n: (900 + n,),
    "serving.moments._local": lambda n: ("Europe/Berlin", MINUTE + n, WEEK_HOURS),
    "serving.moments._hours_ahead": lambda n: ("Europe/Berlin", MINUTE // 15 + n, WEEK_HOURS),
    "serving.moments._silent": lambda n: (NIGHT, "Europe/Berlin", MINUTE + n, WEEK_HOURS),
    "serving.store.unpack_profile": lambda n: (profile(n),),
    "serving.wording.day": lambda n: (Instant(NOW + n * DAY), "Europe/Berlin", EN),
    "serving.wording.money": lambda n: (n / 7, "EUR", EN),
}
"""By cache, what may be asked of it without end: longer than what is ever asked in earnest."""
FEW = {
    "features.codec": {"layout", "_sections"},
    "features.fold": {"_traces"},
    "features.packed_state": {"_cut"},
    "features.past": {"_places"},
    "features.state": {"half_lives_us", "_all_half_lives_us", "unset", "_earliest", "_slices"},
    "features.stored": {"_names"},
    "features.tally": {"recipe"},
    "serving.eligibility.memory": {"_sorted"},
    "serving.findings": {"_rules", "_names"},
    "serving.journal.counters": {"counted_of", "_raise"},
    "serving.journal.dossier": {"by_names"},
    "serving.journal.migration": {"_scripts"},
    "serving.journal.names": {"_book", "_raise"},
    "serving.journal.openings": {"_names", "_openings", "_closings"},
    "serving.offering": {"_columns"},
    "serving.over_the_wire": {"_described"},
    "serving.packed_file": {"table_name", "_get", "_get_both", "_get_several"},
    "serving.packed_redis": {"connect"},
    "serving.several": {"_names"},
    "serving.pairs": {"_untold", "_sum"},
    "serving.policy.form": {"fields_of"},
    "serving.policy.json_schema": {"_sentences"},
}
"""Caches without a bound: what they are asked comes from the build and documents, never from a request."""


def zipped(n: int) -> bytes:
    from serving.journal.packed_record import _squeezed

    return _squeezed.__wrapped__(tuple(f"{n}.feature.{each}" for each in range(200)))


def caches() -> dict[str, _lru_cache_wrapper[Any]]:
    """Those that stand in a module that serves."""

    def of(module: ModuleType) -> dict[str, _lru_cache_wrapper[Any]]:
        found = {name: each for name, each in vars(module).items() if isinstance(each, _lru_cache_wrapper)}
        return {f"{module.__name__}.{n}": each for n, each in found.items() if each.__module__ == module.__name__}

    return {name: each for module in all_that_serves() for name, each in of(module).items()}


@cache
def all_that_serves() -> list[ModuleType]:
    """Every module, whatever other tests loaded, but the steps of migrations and what starts a process."""
    for package in (features, serving):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not each.name.endswith("__main__") and ".migrations." not in each.name:
                importlib.import_module(each.name)
    return [m for name, m in sorted(sys.modules.items()) if name.partition(".")[0] in ("features", "serving")]


def test_every_cache_has_a_bound_or_is_asked_few_things() -> None:
    bounds = {name: each.cache_parameters()["maxsize"] for name, each in caches().items()}
    assert {name for name, most in bounds.items() if most is not None and most > FEWEST} <= set(ASKED)
    unbounded = {f"{module}.{name}" for module, names in FEW.items() for name in names}
    assert {name for name, most in bounds.items() if most is None} <= unbounded


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_full_cache_stays_small(name: str) -> None:
    cache = caches()[name]
    asked = [ASKED[name](n) for n in range(min(WEIGHED, cache.cache_parameters()["maxsize"]))]
    cache.cache_clear()
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for each in asked:
            cache(*each)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        cache.cache_clear()
    full = taken / len(asked) * cache.cache_parameters()["maxsize"]
    assert full / 1e6 <= MOST_MB


def alive(kind: type) -> int:
    gc.unfreeze()
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def test_what_is_out_of_force_is_let_go_of(parts: Callable[..., Parts], promote: Callable[[str], None]) -> None:
    clock = SimulatedClock(NOW)
    watch = parts(clock=clock, settle=settle).watch
    before = alive(Equipment), alive(Shelf)
    for number in range(30):
        clock.advance(HOUR)
        if number % 10 == 0:
            promote(f"fake-{number + 2}")
        held = watch.current
        watch.refresh()
        assert watch.current is not held
    assert np.subtract((alive(Equipment), alive(Shelf)), before).max() <= 1


def test_evidence_that_is_renewed_each_minute_is_not_kept_from_the_collector(parts: Callable[..., Parts]) -> None:
    clock = SimulatedClock(NOW)
    watch = parts(clock=clock, settle=settle).watch
    shelf, kept = watch.current.shelf, gc.get_freeze_count()
    for _ in range(5):
        clock.advance(HOUR)
        watch.refresh()
    assert watch.current.shelf is shelf
    assert gc.get_freeze_count() <= kept

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from features.clock import Clock, SimulatedClock, SystemClock
from features.domain import DAY, SECOND, Instant


def test_the_system_clock_tells_microseconds_since_1970() -> None:
    before = int(time.time() * SECOND)
    now = SystemClock().now()
    after = int(time.time() * SECOND)
    assert before - 1 <= now <= after + 1


def test_a_simulated_clock_stands_still_until_it_is_advanced() -> None:
    clock = SimulatedClock(Instant(5))
    assert [clock.now(), clock.now()] == [5, 5]
    assert clock.advance(DAY) == 5 + DAY
    assert clock.now() == 5 + DAY


def test_a_simulated_clock_never_runs_back() -> None:
    clock = SimulatedClock(Instant(5))
    with pytest.raises(ValueError, match="cannot go back by 1"):
        clock.advance(-1)
    assert clock.now() == 5


def test_advances_from_many_threads_all_count() -> None:
    clock = SimulatedClock(Instant(0))
    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda _: clock.advance(1), range(2_000)))
    assert sorted(seen) == list(range(1, 2_001))


def test_both_clocks_are_clocks() -> None:
    clocks: list[Clock] = [SystemClock(), SimulatedClock(Instant(0))]
    assert all(isinstance(clock.now(), int) for clock in clocks)

"""What counting a decision for ``/metrics`` costs, beside prometheus_client's own counters, and what the page costs.

``python -m tests.bench.bench_meter`` prints microseconds of processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

from prometheus_client import CollectorRegistry, Counter, Histogram

from features.domain import CustomerId, DecisionId, Instant
from serving.attention import Attention
from serving.decide import decide
from serving.decision import Ask
from serving.desk import Made
from serving.equipment import NOTHING, Equipment, pooled
from serving.exposition import Exposition
from serving.meter import SECONDS, Meter
from serving.pairs import stranger

TIMES = 50_000


@dataclass(frozen=True)
class Cost:
    """Microseconds of processor time."""

    ours: float
    theirs: float
    page: float


def _each(work: Callable[[], object], times: int) -> float:
    began = process_time()
    for _ in range(times):
        work()
    return 1e6 * (process_time() - began) / times


def costs(times: int = TIMES) -> Cost:
    """Measured on an empty catalogue: an item more is a dictionary's addition more."""
    equipment = Equipment(NOTHING, pooled(NOTHING, {}, Instant(0)), Instant(0), Attention(1.0, 0.0))
    ask = Ask(DecisionId("d"), CustomerId("c"), Instant(0), None, None, 1)
    made = Made(decide(ask, stranger(Instant(0)), equipment), equipment, None)
    meter, registry = Meter(), CollectorRegistry()
    counters = [Counter(f"c{n}", "A counter.", ["label"], registry=registry) for n in range(3)]
    histogram = Histogram("h", "A histogram.", buckets=SECONDS, registry=registry)

    def theirs() -> None:
        for counter in counters:
            counter.labels("some").inc()
        histogram.observe(0.003)

    ours = _each(lambda: meter.decided(made, 0.003, True), times)
    return Cost(
        ours, _each(theirs, times), _each(Exposition(meter.tally, lambda: equipment).page, max(times // 100, 1))
    )


def main() -> None:
    """Print the table."""
    found = costs()
    print(f"counting a decision                     {found.ours:8.1f} µs")
    print(f"three counters and a histogram of prometheus_client {found.theirs:8.1f} µs")
    print(f"the page                                {found.page:8.1f} µs")


if __name__ == "__main__":
    main()

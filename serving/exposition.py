"""``/metrics``: everything that is measured, in the text form of Prometheus. No customer stands in a label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from serving.equipment import Equipment
from serving.meter import METRICS, SECONDS, Metric, Reading, Tally

CONTENT_TYPE = CONTENT_TYPE_LATEST
Source = Callable[[], Iterable[Reading]]


@dataclass(frozen=True)
class Exposition:
    """The page of one service."""

    tally: Callable[[], Tally]
    equipment: Callable[[], Equipment]
    sources: Sequence[Source] = ()
    """Whoever else measures."""

    def page(self) -> bytes:
        """Everything as of now; about a millisecond."""
        registry = CollectorRegistry()
        registry.register(_Collected(list(self._families())))
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def _families(self) -> Iterator[Family]:
        tally, found = self.tally(), dict[str, Family]()
        for name, labels, value in (*_counted(tally), *_equipped(self.equipment()), *self._measured()):
            if name not in found:
                found[name] = _family(METRICS[name])
            found[name].add_metric(labels, value)  # type: ignore[attr-defined]
        yield from found.values()
        yield _histogram(tally)

    def _measured(self) -> Iterator[Reading]:
        for source in self.sources:
            yield from source()


@dataclass(frozen=True, eq=False)
class _Collected(Collector):
    families: list[Family]

    def collect(self) -> Iterable[Family]:
        return self.families


def _counted(tally: Tally) -> Iterator[Reading]:
    for kind, number in tally.decisions.items():
        yield "kairos_decisions", kind, float(number)
    for name, counter in (
        ("kairos_fallback", tally.fallback),
        ("kairos_first_choice", tally.first_choice),
        ("kairos_items", tally.items),
    ):
        for label, number in counter.items():
            yield name, (str(label),), float(number)
    yield "kairos_value_minor", (), tally.value
    if tally.fallback_share is not None:
        yield "kairos_fallback_share", (), tally.fallback_share


def _equipped(equipment: Equipment) -> Iterator[Reading]:
    yield "kairos_ready", (), float(not equipment.shortfalls)
    if equipment.model is not None:
        yield "kairos_model", (equipment.model.version,), 1.0
    for key, price in equipment.prices.items():
        yield "kairos_price_minor", (key,), price


def _family(metric: Metric) -> Family:
    family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return family(metric.name, metric.meaning, labels=metric.labels)


def _histogram(tally: Tally) -> Family:
    metric = METRICS["kairos_decision_seconds"]
    counts = accumulate(tally.took[place] for place in range(len(SECONDS) + 1))
    buckets = list(zip([*map(str, SECONDS), "+Inf"], map(float, counts), strict=True))
    return HistogramMetricFamily(metric.name, metric.meaning, buckets=buckets, sum_value=tally.seconds)

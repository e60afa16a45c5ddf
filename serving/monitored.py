"""What the last run of the monitor found, as it goes into ``/metrics``: read again only when its report is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import time

import msgspec

from serving.meter import METRICS, Reading

FROM_REPORT = ("kairos_drift", "kairos_calibration", "kairos_coverage", "kairos_outcome_rate", "kairos_alert")
AGE = "kairos_monitor_age_seconds"
"""Metrics that the monitor measures."""


class Gauge(msgspec.Struct, frozen=True):
    """One value of a metric."""

    metric: str
    labels: tuple[str, ...]
    value: float


class Report(msgspec.Struct, frozen=True):
    """The part of a monitor's report that the service shows; the rest of the document is for people."""

    gauges: tuple[Gauge, ...] = ()


FROM_SHADOW = tuple(name for name in METRICS if name.startswith("kairos_shadow_"))
"""Metrics that the shadow measures."""


class Monitored:
    """Follows one report."""

    def __init__(self, report: Path | None, shown: Sequence[str] = FROM_REPORT, age: str | None = AGE) -> None:
        """``report`` is where somebody writes; None: nobody does. ``age`` is the metric of how old it is."""
        self._file = report
        self._shown = shown
        self._age = age
        self._read_at: int | None = None
        self._report = Report()

    def readings(self) -> Iterator[Reading]:
        """What the report says, and its age by the machine's clock; nothing where there is no readable report."""
        if self._file is None:
            return
        try:
            written = self._file.stat().st_mtime_ns
            if written != self._read_at:
                self._report = msgspec.json.decode(self._file.read_bytes(), type=Report)
                self._read_at = written
        except (OSError, msgspec.MsgspecError):
            return
        if self._age is not None:
            yield self._age, (), max(time() - written / 1e9, 0.0)
        for gauge in self._report.gauges:
            if gauge.metric in self._shown and len(gauge.labels) == len(METRICS[gauge.metric].labels):
                yield gauge.metric, gauge.labels, gauge.value

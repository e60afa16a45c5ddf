"""``make monitor``: recent decisions, held against what the model learnt from and against the time before.

The report lies in ``<data-dir>/reports/monitor/<source>``: numbers and alerts as JSON, which a running service shows at
``/metrics``, and a picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

import msgspec

from features.catalogue import Catalogue
from features.clock import Clock
from features.domain import DAY, Instant, Offer, OfferId
from features.errors import KairosError
from features.instant import format_instant
from serving.attribution import Attribution
from serving.journal import Journal, Record
from serving.journal.contact_story import went_out
from serving.journal.decisions import latest_decision, read_decisions
from serving.present import clock_of
from serving.settings import Settings
from training.history import open_journal
from training.monitor.findings import Alert, Compared, Limits, alerts, by_channel, drifts
from training.monitor.outcomes import Calibration, Seen, calibration, outcomes
from training.monitor.pictures import picture
from training.monitor.reference import Reference
from training.monitor.window import Made, Window, window_of
from training.versions import Versions

EARLIER = 4
"""The earlier window is so many times as long as the recent one."""


@dataclass(frozen=True)
class Told:
    """A report."""

    compared: Compared
    recent: Window
    earlier: Window
    since: Instant
    until: Instant
    model: str | None
    against: str
    """What the model's inputs are held against."""

    def text(self) -> str:
        """For people."""
        days = f"{format_instant(self.since)} to {format_instant(self.until)}"
        head = (
            f"{self.recent.decisions:,} decisions for {self.recent.customers:,} customers, {days} (before: "
            f"{self.earlier.decisions:,}); model {self.model or 'none'}, inputs held against {self.against}."
        )
        return "\n".join([head, *(f"  {_MARK[each.on]:<14} {each.name:<17} {each.sentence}" for each in self.alerts)])

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Every threshold, those passed first."""
        order = {True: 0, False: 1, None: 2}
        return tuple(sorted(self.compared.alerts, key=lambda each: order[each.on]))

    def document(self) -> dict[str, Any]:
        """For machines; ``gauges`` is what the service shows."""
        found, recent = self.compared, self.recent
        return {
            "since": format_instant(self.since),
            "until": format_instant(self.until),
            "model": self.model,
            "against": self.against,
            "decisions": recent.decisions,
            "decisions_earlier": self.earlier.decisions,
            "customers": recent.customers,
            "reached": recent.reached,
            "fallback_reasons": dict(recent.fallback),
            "alerts": [asdict(each) for each in self.alerts],
            "drift": [asdict(each) for each in sorted(found.drifts, key=lambda d: -d.psi)],
            "calibration": {name: _told(each) for name, each in found.calibration.items()},
            "outcomes": {"recent": _told(found.now), "earlier": _told(found.before)},
            "coverage": dict(found.coverage),
            "gauges": msgspec.to_builtins(list(found.gauges())),
        }


_MARK = {True: "ALERT", False: "well", None: "not measured"}


def _finite(value: Any) -> Any:
    """The same with None in place of what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _told(found: Calibration) -> dict[str, Any]:
    return {**asdict(found), "ratio": found.ratio}


def monitor(settings: Settings, clock: Clock | None = None) -> Told:
    """Compare, and write the report.

    Raises:
        KairosError: There is no catalogue or no journal.
    """
    if not settings.catalogue_file.exists():
        raise KairosError(f"{settings.catalogue_file} is missing: run `make features SOURCE={settings.source}` first")
    with closing(open_journal(settings)) as journal:
        if not journal.begun:
            raise KairosError(f"there is no journal {settings.journal_uri}: put it back, or run `make data`")
        told = compared(settings, journal, (clock or clock_of(settings)).now())
    settings.monitor_dir.mkdir(parents=True, exist_ok=True)
    picture(told.compared, settings.monitor_psi).savefig(settings.monitor_dir / "monitor.png", dpi=110)
    growing = settings.monitor_file.with_suffix(".new")
    growing.write_text(json.dumps(_finite(told.document()), indent=1, allow_nan=False))
    growing.replace(settings.monitor_file)
    return told


def compared(settings: Settings, journal: Journal, now: Instant) -> Told:
    """The comparison as of now, or as of the latest decision where that is later."""
    catalogue = Catalogue.from_json(settings.catalogue_file.read_text())
    version = Versions(settings).champion()
    reference = None if version is None else Reference.read(settings.models_dir / version)
    with journal.reading() as connection:
        until = Instant(max(now, latest_decision(connection) or 0) + 1)
        days = round(settings.monitor_days * DAY)
        offers = catalogue.offer
        longest = round(max((each.window_days for each in offers.values()), default=0.0) * DAY)
        since, begin = Instant(until - days), Instant(until - (EARLIER + 1) * days)
        first = Instant(begin - longest)
        gone = frozenset(map(str, went_out(connection, first)))
        recent, earlier, older = (
            window_of(_read(read_decisions(connection, a, b)), offers, gone)
            for a, b in ((since, until), (begin, since), (first, begin))
        )
    made = [*older.made, *earlier.made, *recent.made]
    came_of = Attribution(journal, lambda: offers).came_of

    def seen(ended: Iterable[Made]) -> list[Seen]:
        return outcomes(list(ended), offers, came_of, settings.seed)

    now_seen = seen(each for each in made if since <= each.ends < until)
    before = seen(each for each in made if begin <= each.ends < since)
    channels = sorted({each.made.channel for each in now_seen})
    found = Compared(
        tuple(drifts(recent, earlier, reference, settings.monitor_least)),
        by_channel((name, calibration(s for s in now_seen if s.made.channel == name)) for name in channels),
        calibration(before),
        calibration(now_seen),
        _coverage(recent, offers, since, until) if recent.decisions else {},
        recent.fallbacks / recent.decisions if recent.decisions else None,
    )
    limits = Limits(
        settings.monitor_least,
        settings.monitor_psi,
        settings.monitor_calibration,
        settings.monitor_fallback,
        settings.monitor_coverage,
    )
    against = f"what {version} learnt from" if reference is not None else "the earlier window"
    found = replace(found, alerts=tuple(alerts(found, limits, recent)))
    return Told(found, recent, earlier, since, until, version, against)


def _read(records: Iterable[Record]) -> Iterable[Record]:
    """Those that can be told from their answer."""
    return (record for record in records if record.answer.startswith("{"))


def _coverage(recent: Window, offers: Mapping[OfferId, Offer], since: Instant, until: Instant) -> dict[str, float]:
    possible = {
        o
        for o, offer in offers.items()
        if offer.kind in recent.kinds and (offer.valid_from or 0) < until and (offer.valid_to or until) >= since
    }
    able = {channel for o in possible for channel in offers[o].channels}
    offered = possible & recent.offered
    return {
        "offers": len(offered) / len(possible) if possible else 1.0,
        "channels": len(able & recent.channels) / len(able) if able else 1.0,
        "customers": recent.reached / recent.customers,
    }

"""``make retention``: remove what is older than the setting allows, and make the touched values anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial

from features.catalogue import Catalogue
from features.clock import SystemClock
from features.domain import DAY, Instant
from features.errors import KairosError
from features.instant import format_instant
from serving.journal import Cause
from serving.journal.retention import Retired, retire
from serving.projection import Projection
from serving.rebuild import projection_of
from serving.settings import Settings, read_settings


def oldest_kept(now: Instant, days: float) -> Instant:
    """The instant before which nothing is kept."""
    return Instant(now - round(days * DAY))


def retain(projection: Projection, oldest: Instant, now: Instant) -> Retired:
    """Remove what is older, down to the bytes, and recompute the values that it was part of."""
    journal = projection.journal
    retired = journal.write(
        partial(retire, oldest=oldest, cause=Cause(now, "make retention", "older than may be kept"))
    )
    projection.settle_all(sorted(retired.touched))
    journal.compact()
    return retired


def now_of(settings: Settings) -> Instant:
    """What counts as now: where the clock is simulated, the end of the known history."""
    if settings.clock == "system":
        return SystemClock().now()
    return Catalogue.from_json(settings.catalogue_file.read_text(encoding="utf-8")).now


def main(environ: Mapping[str, str]) -> int:
    """Run the command: 0 when nothing older is left, 1 with a message when that is not so."""
    try:
        settings = read_settings(environ)
        if settings.retention_days is None:
            print("Nothing is removed: KAIROS_RETENTION_DAYS is unset, so everything is kept.")
            return 0
        with closing(projection_of(settings)) as projection:
            now = now_of(settings)
            oldest = oldest_kept(now, settings.retention_days)
            retired = retain(projection, oldest, now)
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"Removed what is older than {format_instant(oldest)}: {retired.events:,} events, {retired.decisions:,} "
        f"decisions. The values of {len(retired.touched):,} customers were made anew."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))

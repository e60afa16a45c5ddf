"""``make shadow``: name a challenger for live traffic, see how it fares, and log that to MLflow.

``VERSION=…`` names it (``newest`` the newest that is not champion, ``none`` ends it); a running service then has it
make every decision again in a process of its own. Without ``VERSION`` the one named already is looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing

import msgspec

from features.errors import KairosError, ModelError
from serving.contest import LATEST, Contest
from serving.monitored import Gauge
from serving.settings import Settings, read_settings
from serving.shadow import challenger_of, shadow_of, write_report
from training import tracking
from training.history import open_journal
from training.versions import Versions

NEWEST, NOBODY = "newest", "none"


def name(settings: Settings, version: str) -> str | None:
    """Make a version the challenger; None where it was ended.

    Raises:
        ModelError: There is no such version.
    """
    if version == NOBODY:
        settings.challenger_file.unlink(missing_ok=True)
        settings.shadow_file.unlink(missing_ok=True)
        return None
    versions = Versions(settings)
    if version == NEWEST:
        rivals = [each for each in versions.all() if each != versions.champion()]
        if not rivals:
            raise ModelError(f"there is no model beside the champion in {settings.models_dir}: run `make train`")
        version = rivals[-1]
    versions.folder(version)
    growing = settings.challenger_file.with_suffix(".new")
    growing.write_text(json.dumps({"version": version}))
    growing.replace(settings.challenger_file)
    return version


def measured(settings: Settings, version: str) -> Contest:
    """The latest decisions made again by this version, here and now."""
    with closing(open_journal(settings)) as journal:
        shadow = shadow_of(settings, journal, version)
        shadow.look(LATEST)
        write_report(settings, shadow.contest)
        return shadow.contest


def text(contest: Contest) -> str:
    """For people."""
    rows = [f"  {_name(each):<44}{each.value:>12.4f}" for each in contest.gauges()]
    return "\n".join([f"{contest.challenger} as shadow of the champion:", *rows])


def _name(gauge: Gauge) -> str:
    by = f" by the {gauge.labels[1]}" if len(gauge.labels) > 1 else ""
    return gauge.metric.removeprefix("kairos_shadow_") + by


def log(settings: Settings, contest: Contest) -> None:
    """A run of its own in MLflow, and the alias ``challenger``."""
    tracking.move_alias(settings, contest.challenger, tracking.CHALLENGER)
    tags = {"source": settings.source, "stage": "shadow", "bundle": contest.challenger}
    words = "What a challenger chose on live decisions, beside the champion."
    with tracking.run(settings, "shadow", f"{contest.challenger} on live decisions", words, tags):
        tracking.log_metrics({_name(each).replace(" ", "_"): each.value for each in contest.gauges()})


def shadowed(settings: Settings, version: str) -> dict[str, float]:
    """What the shadow of a version measured last, by name; nothing where it was none."""
    try:
        report = msgspec.json.decode(settings.shadow_file.read_bytes(), type=Shadowed)
    except (OSError, msgspec.MsgspecError):
        return {}
    return {f"shadow.{_name(g).replace(' ', '_')}": g.value for g in report.gauges if version in g.labels}


class Shadowed(msgspec.Struct, frozen=True):
    """The report of a shadow."""

    gauges: tuple[Gauge, ...] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all went well, 2 with a message where it did not."""
    parser = argparse.ArgumentParser(prog="make shadow", description=__doc__)
    parser.add_argument("--version", help=f"the challenger, {NEWEST}, or {NOBODY}")
    given = parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        version = name(settings, given.version) if given.version else challenger_of(settings)
        if version is None:
            print("There is no challenger: name one by VERSION=newest, or by its own name.")
            return 0
        contest = measured(settings, version)
        log(settings, contest)
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text(contest))
    return 0


if __name__ == "__main__":
    sys.exit(main())

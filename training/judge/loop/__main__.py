"""``make loop``: the closed loop, from a cold start through three retrainings, beside silence and the best constant."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from features.errors import KairosError
from serving.settings import Settings, read_settings
from training.judge.loop.course import QUIET_DAYS, Course, Plan, Scored, run
from training.judge.loop.picture import figure
from training.judge.loop.rivals import CONSTANT, ORACLE, OURS, rivals
from training.world.parameters import Inside
from training.world.play import Day

NAME = "loop"
SMALL = {"customers": 300, "decisions": 150, "days": 12, "retrained": (8,), "control": (0.03,), "random": (0.9, 0.02)}


def loop(settings: Settings, plan: Plan) -> dict[str, object]:
    """Play it, and leave a report and a picture in the reports' folder."""
    started, course = time.monotonic(), Course(plan)

    def tell(line: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {line}", flush=True)

    try:
        run(settings, course, settings.data_dir / NAME, tell)
    finally:
        if course.days:
            report = _report(settings, course, time.monotonic() - started)
    return report


def _report(settings: Settings, course: Course, seconds: float) -> dict[str, object]:
    """What happened, whole or cut short, beside the rivals."""
    plan = course.plan
    others = rivals(plan.parameters, plan.seed, QUIET_DAYS, len(course.days), plan.decisions)
    report = told(course, others) | {"seconds": round(seconds, 1)}
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    (settings.reports_dir / f"{NAME}.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    figure(course, others).savefig(settings.reports_dir / f"{NAME}.png", dpi=80)
    print(f"\n{summary(report)}\n{settings.reports_dir / NAME}.json, .png")
    return report


def told(course: Course, others: Mapping[str, Sequence[Day]]) -> dict[str, object]:
    """Everything as JSON; ``periods`` are those between retrainings, ``thirds`` those of the whole course."""
    plan, days = course.plan, len(course.days)
    bounds = sorted({0, *(gate.day for gate in course.gates), days})
    thirds = sorted({round(days * third / 3) for third in range(4)})
    played: dict[str, Sequence[Day] | Sequence[Scored]] = {OURS: course.days, **others}
    return {
        "plan": asdict(plan),
        "periods": [stretch(played, start, end) for start, end in pairwise(bounds)],
        "thirds": [stretch(played, start, end) for start, end in pairwise(thirds)],
        "whole": stretch(played, 0, days),
        "gates": [asdict(gate) for gate in course.gates],
        "days": [asdict(day) for day in course.days],
        "others": {name: [asdict(day) for day in each] for name, each in others.items()},
    }


def stretch(played: Mapping[str, Sequence[Day] | Sequence[Scored]], start: int, end: int) -> dict[str, Any]:
    """What everybody did and earned from one day to another.

    ``of_oracle`` is the share of what the oracle earned on its own course, ``of_possible`` of the best that could have
    been done each day with the customers as this policy had left them: more for whoever left them in peace.
    """
    oracle = sum(day.value for day in played[ORACLE][start:end])
    found: dict[str, Any] = {"days": [start, end]}
    for name, each in played.items():
        some = each[start:end]
        value, contacts = sum(day.value for day in some), sum(day.contacts for day in some)
        found[name] = {
            "value_minor": value,
            "of_oracle": _share(value, oracle),
            "of_possible": _share(value, sum(day.oracle for day in some)),
            "contacts": contacts,
            "contacts_per_decision": _share(contacts, sum(day.decisions for day in some)),
            "opted_out": sum(day.opted_out for day in some),
            "complained": sum(day.complained for day in some),
        }
    return found


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def summary(report: Mapping[str, Any]) -> str:
    """The thirds for people."""
    head = ("days", "policy", "of the oracle's", "of the possible", "contacts per ask", "left", "complained")
    lines = ["{:<9}{:<15}{:>16}{:>16}{:>18}{:>6}{:>12}".format(*head)]
    for third in (*report["thirds"], report["whole"]):
        start, end = third["days"]
        for name in (OURS, CONSTANT, ORACLE):
            its = third[name]
            shares = (its["of_oracle"], its["of_possible"], its["contacts_per_decision"])
            shown = ("–" if share is None else f"{share:.2f}" for share in shares)
            lines.append(
                "{:<9}{:<15}{:>16}{:>16}{:>18}{:>6}{:>12}".format(
                    f"{start} to {end}", name, *shown, its["opted_out"], its["complained"]
                )
            )
    return "\n".join(lines)


def main() -> None:
    """Play the loop at the size that KAIROS_PROOF_SIZE says. Exits with a message where it cannot be played."""
    try:
        settings = read_settings(os.environ)
        small = settings.proof_size == "small"
        loop(settings, Plan(Inside.LOGISTIC, settings.seed, **(SMALL if small else {})))  # type: ignore[arg-type]
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

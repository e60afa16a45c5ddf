"""``make loop``: the closed loop, from a cold start through three retrainings, beside silence and the best constant."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise

import numpy as np

from features.errors import KairosError
from serving.settings import Settings, read_settings
from training.judge.loop.course import QUIET_DAYS, Course, Plan, Scored, run
from training.judge.loop.picture import figure
from training.judge.loop.rivals import CONSTANT, rivals
from training.world.parameters import Inside
from training.world.play import Day

NAME = "loop"
SMALL = {"customers": 300, "decisions": 150, "days": 12, "retrained": (8,)}


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
    """Everything as JSON; ``periods`` are those between retrainings."""
    plan = course.plan
    bounds = sorted({0, *(gate.day for gate in course.gates), len(course.days)})
    periods = [
        {
            "days": [start, end],
            "share_of_oracle": _share(course.days[start:end]),
            "contacts_per_decision": sum(d.contacts for d in course.days[start:end])
            / sum(d.decisions for d in course.days[start:end]),
            "lost_per_1000_contacts": 1_000
            * sum(d.opted_out + d.complained for d in course.days[start:end])
            / max(sum(d.contacts for d in course.days[start:end]), 1),
            **{name: _share(each[start:end]) for name, each in others.items()},
            f"contacts_per_decision, {CONSTANT}": sum(d.contacts for d in others[CONSTANT][start:end])
            / sum(d.decisions for d in others[CONSTANT][start:end]),
        }
        for start, end in pairwise(bounds)
    ]
    return {
        "plan": asdict(plan),
        "periods": periods,
        "gates": [asdict(gate) for gate in course.gates],
        "lost": {
            "Kairos": sum(d.opted_out + d.complained for d in course.days),
            CONSTANT: sum(d.opted_out + d.complained for d in others[CONSTANT]),
        },
        "days": [asdict(day) for day in course.days],
        "others": {name: [asdict(day) for day in each] for name, each in others.items()},
    }


def _share(days: Sequence[Day] | Sequence[Scored]) -> float:
    return float(np.sum([d.value for d in days]) / np.sum([d.oracle for d in days]))


def summary(report: Mapping[str, object]) -> str:
    """The periods for people."""
    lines = [f"{'days':<9}{'Kairos':>9}{CONSTANT:>15}{'contacts per ask':>18}{'constant':>10}"]
    for period in report["periods"]:  # type: ignore[attr-defined]
        start, end = period["days"]
        lines.append(
            f"{start:>2} to {end:<3}{period['share_of_oracle']:>9.2f}{period[CONSTANT]:>15.2f}"
            f"{period['contacts_per_decision']:>18.2f}{period[f'contacts_per_decision, {CONSTANT}']:>10.2f}"
        )
    lost = report["lost"]
    lines.append(f"opt-outs and complaints: {lost}")
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

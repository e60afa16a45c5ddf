"""What a benchmark found: figures beside what is aimed at, with machine, date and commit; JSON and a table."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from serving.settings import Settings


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that something is aimed at."""

    what: str
    measured: float
    aim: float
    least: float
    """What must be reached at least; at most where ``less_is_better``."""
    less_is_better: bool = False
    unit: str = "×"

    @property
    def verdict(self) -> str:
        """In words whether it is reached."""
        sign = -1 if self.less_is_better else 1
        if sign * self.measured >= sign * self.aim:
            return "aim reached"
        return "least reached" if sign * self.measured >= sign * self.least else "falls short"


def medians(rounds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The middle of each contender's rounds."""
    return {name: median(each) for name, each in rounds.items()}


def spread_table(rounds: Mapping[str, Sequence[float]], unit: str, heading: str = "contender") -> list[str]:
    """A line for each contender: median, smallest and largest of its rounds."""
    lines = [f"| {heading} | {unit}, median | from | to |", "|---|---|---|---|"]
    return lines + [
        f"| {name} | {figure(median(each))} | {figure(min(each))} | {figure(max(each))} |"
        for name, each in rounds.items()
    ]


def figure(value: float) -> str:
    """A number with three digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figures_table(figures: Sequence[Figure]) -> list[str]:
    """A line for each figure."""
    lines = ["| figure | measured | aim | least | |", "|---|---|---|---|---|"]
    for each in figures:
        limit = "≤ " if each.less_is_better else ""
        lines.append(
            f"| {each.what} | {figure(each.measured)} {each.unit} | {limit}{each.aim:g} | {limit}{each.least:g} "
            f"| {each.verdict} |"
        )
    return lines


def where() -> dict[str, str]:
    """Machine, date and commit of a run."""
    ask = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"]
    commit = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit or "unknown",
    }


def write(settings: Settings, part: str, figures: Sequence[Figure], tables: Sequence[str], found: Any) -> None:
    """Print the tables of a part and leave ``bench_<part>.json`` and ``.md`` in the folder of reports."""
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    path = settings.reports_dir / f"bench_{part}.json"
    head = where()
    told = [asdict(each) | {"verdict": each.verdict} for each in figures]
    path.write_text(json.dumps({"part": part, **head, "figures": told, "found": found}, indent=2) + "\n")
    lines = [*tables, "", *(figures_table(figures) if figures else [])]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"\n{head['machine']}, load {head['load']}, commit {head['commit']}, {head['date']}; written to {path}")

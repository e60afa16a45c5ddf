"""``make bench``: every part in turn, each in a process of its own, and one table of what was aimed at.

``make bench PART=reads`` runs one part; ``PART=table`` only sets the last reports of all parts side by side.
Leaves ``bench.md`` and ``bench.json`` in the folder of reports, and writes the table into the README where it stands
between its marks with ``PART=readme``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from serving.settings import Settings, read_settings
from tests.bench.report import Figure, figures_table, where

FOLDER = Path(__file__).parent
PARTS = ("scoring", "reads", "bulk", "memory", "training", "batch", "decision")
"""The parts with figures that are aimed at; the whole service last, when nothing else of ours is left running."""
BESIDE = ("factors", "eligibility", "meter", "cores")
"""Those that tell of single steps, and of a process for every core."""
README = FOLDER.parents[1] / "README.md"
BEGINS, ENDS = "<!-- bench -->", "<!-- /bench -->"


def run(part: str) -> bool:
    """Run one part; whether it came to its end."""
    print(f"\n== {part} ==", flush=True)
    started = time.monotonic()
    ran = subprocess.run([sys.executable, "-m", f"tests.bench.bench_{part}"], check=False)
    print(f"{part}: {time.monotonic() - started:.0f} s", flush=True)
    return ran.returncode == 0


def table(settings: Settings) -> list[str]:
    """The figures of all parts that have a report, with machine, date and commit of each."""
    lines, told = [], []
    found: list[Figure] = []
    for part in PARTS:
        path = settings.reports_dir / f"bench_{part}.json"
        if not path.exists():
            continue
        said: dict[str, Any] = json.loads(path.read_text())
        if "figures" not in said:
            continue
        told.append(said)
        found += [Figure(**{k: v for k, v in each.items() if k != "verdict"}) for each in said["figures"]]
    runs = {(said["machine"], said["commit"], said["date"][:10]) for said in told}
    lines += [f"{machine}, {date}, commit {commit}." for machine, commit, date in sorted(runs)]
    (settings.reports_dir / "bench.json").write_text(json.dumps({"run": where(), "parts": told}, indent=2) + "\n")
    lines += ["", *figures_table(found)]
    (settings.reports_dir / "bench.md").write_text("\n".join(lines) + "\n")
    return lines


def into_readme(lines: list[str]) -> None:
    """Put the table between its marks."""
    text = README.read_text()
    before, _, rest = text.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    README.write_text("\n".join([before + BEGINS, "", *lines, "", ENDS + after]))


def main(wanted: list[str]) -> int:
    """0 when every part came to its end."""
    settings = read_settings(os.environ)
    known = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    if unknown := [part for part in wanted if part not in (*known, "table", "readme")]:
        print(f"no part is called {unknown[0]}: there are {', '.join(known)}, table and readme", file=sys.stderr)
        return 2
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    done = [run(part) for part in (wanted or (*PARTS, *BESIDE)) if part in known]
    lines = table(settings)
    print("\n" + "\n".join(lines))
    if "readme" in wanted:
        into_readme(lines)
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

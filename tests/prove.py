"""Runs the proofs (tests marked ``proof``) at full size and keeps one report per proof and commit.

``python -m tests.prove`` runs those without a report for this commit, ``python -m tests.prove NAME`` that one anyway.
What a proof measured is what its test hands to pytest's ``record_property``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest

from serving.settings import read_settings

ROOT = Path(__file__).resolve().parents[1]


class Collector:
    """A pytest plug-in that notes which proofs exist and where."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("proof"):
                self.tests.setdefault(mark.kwargs["name"], []).append(item.nodeid)


def proofs() -> dict[str, list[str]]:
    """The tests of each proof by its name. Exits with pytest's own words where tests cannot be collected."""
    collector, words = Collector(), StringIO()
    with redirect_stdout(words):
        code = pytest.main(["--collect-only", "-q", "--no-header", str(ROOT / "tests")], plugins=[collector])
    if code:
        sys.exit(words.getvalue())
    return collector.tests


def commit() -> str:
    """The commit of the work tree, with ``-dirty`` where it holds changes (such a report is never taken as done)."""
    ask = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    return subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()


def measured(junit: Path) -> Iterator[tuple[str, str]]:
    """What the tests recorded: name and value, in the order of the run."""
    for each in ElementTree.parse(junit).iter("property"):
        yield each.attrib["name"], each.attrib["value"]


def prove(name: str, tests: list[str], report: Path, version: str) -> bool:
    """Run one proof, write its report, and say whether it holds."""
    with TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        started = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={junit}", *tests], cwd=ROOT, check=False
        )
        figures = dict(measured(junit)) if junit.exists() else {}
    answer = {
        "proof": name,
        "commit": version,
        "holds": ran.returncode == 0,
        "seconds": round(time.monotonic() - started, 1),
        "tests": tests,
        "figures": figures,
    }
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(answer, indent=2) + "\n")
    return ran.returncode == 0


def main(wanted: list[str]) -> int:
    """0 when every proof that ran holds; 1 when one does not; 2 for a name that no proof has."""
    version, found = commit(), proofs()
    if unknown := [name for name in wanted if name not in found]:
        print(f"no proof is called {unknown[0]}: there are {', '.join(sorted(found)) or 'none'}", file=sys.stderr)
        return 2
    holds = True
    for name in wanted or sorted(found):
        report = read_settings(environ).reports_dir / f"{name}-{version}.json"
        if (
            report.exists()
            and not wanted
            and not version.endswith("-dirty")
            and json.loads(report.read_text())["holds"]
        ):
            print(f"{name}: holds, see {report}")
            continue
        outcome = prove(name, found[name], report, version)
        print(f"{name}: {'holds' if outcome else 'DOES NOT HOLD'}, see {report}")
        holds &= outcome
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The parts of the README that are written from the code, so that they cannot lie.

Each stands between ``<!-- name -->`` and ``<!-- /name -->``. ``python -m training.readme`` renews them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from features.contract_page import contract_markdown
from features.domain import Direction, Importance, Response
from features.errors import KairosError
from features.rows import GENDERS
from features.stage import Stage
from features.vector import FEATURES
from serving.comparison import Sort
from serving.eligibility import RULES
from serving.facts import CONTEXT, FEATURE, NAMES, STAGE
from serving.meter import METRICS
from serving.setting_table import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def make_targets(makefile: str) -> list[tuple[str, str]]:
    """Name and help line of every target of a Makefile's text, in its order."""
    return re.findall(r"^([a-z]+):.*## (.+)$", makefile, re.MULTILINE)


def targets_table() -> str:
    """The make targets as Markdown."""
    rows = make_targets((ROOT / "Makefile").read_text())
    return _table(("target", "what it does"), ((f"`make {name}`", meaning) for name, meaning in rows))


def settings_table() -> str:
    """The settings as Markdown."""
    rows = ((f"`{row.variable}`", f"`{row.default}`" if row.default else "unset", row.sentence) for row in SETTINGS)
    return _table(("variable", "default", "meaning"), rows)


def features_table() -> str:
    """The features as Markdown, in the order of the models' input."""
    rows = ((f"`{f.name}`", str(f.group), f.unit, f.meaning) for f in FEATURES)
    return _table(("feature", "depends on", "unit", "meaning"), rows)


def rules_table() -> str:
    """The rules of eligibility as Markdown, in the order in which they are asked."""
    return _table(("rule", "why it removes an offer on a channel"), ((f"`{r.name}`", r.meaning) for r in RULES))


def names_table() -> str:
    """What conditions may name, as Markdown; the features stand in a table of their own."""
    shown = {FEATURE + "…": Sort.NUMBER} | {name: NAMES[name] for name in NAMES if not name.startswith(FEATURE)}
    meanings = {
        FEATURE + "…": "any feature of the table below",
        f"{CONTEXT}*": "whatever the request's `context` holds",
        STAGE: f"stage of the buying cycle in what the offer is for, one of {', '.join(Stage)}",
        "profile.gender": f"one of {', '.join(GENDERS)}",
        "offer.importance": f"one of {', '.join(Importance)}",
        "channel.direction": f"one of {', '.join(Direction)}",
        "offer.response": f"one of {', '.join(Response)}",
    }
    rows = ((f"`{name}`", str(sort), meanings.get(name, "")) for name, sort in sorted(shown.items()))
    return _table(("name", "kind of value", "meaning"), rows)


def metrics_table() -> str:
    """What ``/metrics`` shows, as Markdown."""
    rows = ((f"`{m.name}`", m.kind, ", ".join(m.labels), m.meaning) for m in METRICS.values())
    return _table(("metric", "kind", "labels", "meaning"), rows)


SECTIONS: dict[str, Callable[[], str]] = {
    "targets": targets_table,
    "rules": rules_table,
    "names": names_table,
    "contract": contract_markdown,
    "features": features_table,
    "settings": settings_table,
    "metrics": metrics_table,
}


def renewed(text: str) -> str:
    """The text with every section written anew. Raises KairosError where a section's marks are missing or doubled."""
    for name, write in SECTIONS.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise KairosError(f"the README needs {begin.strip()} and {end} exactly once, each on a line of its own")
        head, rest = text.split(begin)
        text = f"{head}{begin}\n{write()}\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))

"""What a change of policy does to everybody, as text, as a document and as a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from serving.settings import Settings
from training.whatif.outcome import Everybody, Interval
from training.whatif.pictures import picture


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one group."""

    attribute: str
    group: str
    customers: int
    reached_before: int
    reached_after: int
    contacts_before: int
    contacts_after: int
    money: Interval
    """More money, minor units."""
    gain: int
    """Customers whose modelled value rises."""
    lose: int


@dataclass(frozen=True)
class WhatIf:
    """The comparison."""

    customers: int
    currency: str
    model: str | None
    policy_before: str
    policy_after: str
    before: Everybody
    after: Everybody
    money_before: Interval
    money_after: Interval
    money_more: Interval
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        n, before, after = max(self.customers, 1), self.before, self.after
        yield f"{self.customers:,} customers, each asked once now; model {self.model or 'none: by popularity'}"
        yield f"{'':34}{'in force':>14}{'with the change':>17}{'difference':>14}"
        yield _row("reached", before.reached, after.reached)
        means = _mean(before, n), _mean(after, n)
        yield f"{'contacts per customer':34}{means[0]:>14.3f}{means[1]:>17.3f}{means[1] - means[0]:>+14.3f}"
        yield _row("pairs considered", before.considered, after.considered)
        for rule in dict.fromkeys([*before.removed, *after.removed]):
            yield _row(f"  removed by {rule}", before.removed[rule], after.removed[rule])
        yield _row("pairs eligible", before.eligible, after.eligible)
        yield _row("  worth less than silence", before.below_silence, after.below_silence)
        for name, money in (
            ("in force", self.money_before),
            ("with the change", self.money_after),
            ("difference", self.money_more),
        ):
            yield f"expected money, {name:18}{_money(money, self.currency)}"
        yield "  (modelled incremental value, not measured; the interval is over which customers there are, 95 %)"
        for change in self.changes:
            yield (
                f"  {change.attribute + ' ' + change.group:26}{change.customers:>6,} customers, "
                f"{_money(change.money, self.currency)}, {change.gain:,} gain, {change.lose:,} lose, contacts "
                f"{change.contacts_before:,} → {change.contacts_after:,}"
            )
        yield from (f"mind: {warning}" for warning in self.warnings)

    def document(self) -> dict[str, Any]:
        """For machines; money in minor units."""
        return {
            "customers": self.customers,
            "currency": self.currency,
            "model": self.model,
            "policy_before": self.policy_before,
            "policy_after": self.policy_after,
            "before": _told(self.before, self.customers),
            "after": _told(self.after, self.customers),
            "money_before_minor": asdict(self.money_before),
            "money_after_minor": asdict(self.money_after),
            "money_more_minor": asdict(self.money_more),
            "money_is": "modelled incremental value, with a 95 % bootstrap interval over customers; not measured",
            "groups": [asdict(change) for change in self.changes],
            "warnings": list(self.warnings),
        }


def _mean(each: Everybody, customers: int) -> float:
    return sum(each.contacts) / customers


def _row(name: str, before: int, after: int) -> str:
    return f"{name:34}{before:>14,}{after:>17,}{after - before:>+14,}"


def _money(found: Interval, currency: str) -> str:
    value, low, high = (each / 100 for each in (found.value, found.low, found.high))
    return f"{value:+,.2f} {currency} [{low:+,.2f}, {high:+,.2f}]"


def _told(each: Everybody, customers: int) -> dict[str, Any]:
    return {
        "reached": each.reached,
        "contacts_per_customer": _mean(each, max(customers, 1)),
        "considered": each.considered,
        "removed_pairs": dict(each.removed),
        "removed_customers": dict(each.closed),
        "eligible": each.eligible,
        "below_silence": each.below_silence,
        "by_channel": dict(each.per(1).most_common()),
        "by_offer": dict(each.per(0).most_common(20)),
    }


def write(settings: Settings, found: WhatIf) -> Path:
    """The report's folder, ``<data-dir>/reports/whatif/<fingerprint>``: ``whatif.json`` and ``whatif.png``."""
    folder = settings.reports_dir / "whatif" / found.policy_after[:12]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whatif.json").write_text(json.dumps(found.document(), indent=1))
    picture(found.before, found.after, [(f"{c.attribute} {c.group}", c.money) for c in found.changes]).savefig(
        folder / "whatif.png", dpi=110
    )
    return folder

"""``make whatif POLICY=file``: a changed policy over everybody, with the very code that decides, before it goes live.

Every customer is decided for once with what is in force and once with the change, in one random order of arrival, and
what is taken of stock, capacity and budget is gone for the next, in each of the two; what is scarce has the prices that
the service would have solved. Nothing is reserved or recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from features.domain import CustomerId, Instant
from features.errors import KairosError
from features.state import State
from serving.documents import Documents
from serving.equipment import Equipment
from serving.journal.errors import JournalUnavailableError
from serving.listing import imagined
from serving.pairs import customer_past
from serving.parts import Parts, parts_of
from serving.policy.document import Body, Name, parse
from serving.prices import tariff
from serving.problem import RefusalError
from serving.rehearsal import Rehearsal, ask
from serving.settings import Settings
from serving.staff import staff_of
from training.gate.groups import groups
from training.whatif.outcome import Everybody, Interval, differences, grouped, interval
from training.whatif.pictures import picture

Segments = dict[str, list[str | None]]
"""By attribute: the group of each customer."""
Progress = Callable[[Sequence[CustomerId]], Iterator[CustomerId]]
THIRDS = ("spends little", "spends some", "spends much")


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


def what_if(settings: Settings, body: Body, kind: str | None, follow: Progress) -> WhatIf:
    """The comparison for all customers that are known.

    Raises:
        KairosError: There is nothing to decide with, or the document cannot come into force.
    """
    parts = parts_of(settings)
    try:
        if not parts.journal.begun:
            raise JournalUnavailableError(
                f"there is no journal {settings.journal_uri}: put it back, or run `make data`"
            )
        parts = replace(parts, watch=parts.watch.apart())
        parts.watch.refresh()
        before, after = _equipments(parts, body)
        return _compared(settings, parts, before, after, kind, follow)
    finally:
        parts.journal.close()


def _equipments(parts: Parts, body: Body) -> tuple[Equipment, Equipment]:
    watch = parts.watch
    if not watch.current.pairs:
        raise KairosError("; ".join(each.sentence for each in watch.current.shortfalls) or "there is nothing to offer")
    try:
        document = Documents(parts.journal, watch, parts.clock).understood(Name.POLICY, body)
    except RefusalError as error:
        faults = "\n".join(f"  {fault.pointer or '/'}: {fault.detail}" for fault in error.faults)
        raise KairosError(f"{error.detail}\n{faults}") from error
    return watch.current, watch.imagine(imagined(watch.listed, None, document)).made_ready()


def _compared(
    settings: Settings, parts: Parts, before: Equipment, after: Equipment, kind: str | None, follow: Progress
) -> WhatIf:
    staff, at, seed = staff_of(parts), parts.clock.now(), settings.seed
    before, after = (
        replace(each, prices=tariff(parts, staff, each, settings.prices_horizon_days, seed).prices)
        for each in (before, after)
    )
    known = sorted(parts.store.customers())
    customers = [known[place] for place in np.random.default_rng(seed).permutation(len(known)).tolist()]
    first, second = (Rehearsal(parts, staff.projection, each) for each in (before, after))
    were, would, spent = Everybody(), Everybody(), list[float]()
    for customer_id in follow(customers):
        asked = ask(customer_id, at, kind, seed)
        decision = first.decide(asked)
        were.add(decision)
        would.add(second.decide(asked))
        spent.append(_spent(decision.known.activity, at))
    more = differences(were, would)
    return WhatIf(
        len(customers),
        before.catalogue.currency,
        before.model.version if before.model else None,
        before.policy.fingerprint,
        after.policy.fingerprint,
        were,
        would,
        interval(were.value, seed),
        interval(would.value, seed),
        interval(more.tolist(), seed),
        tuple(_changes(_segments(settings, customers, spent), were, would, seed)),
        tuple(dict.fromkeys((*after.notes, *(each.sentence for each in after.shortfalls)))),
    )


def _spent(activity: State | None, at: Instant) -> float:
    if activity is None:
        return 0.0
    return float(customer_past(activity, at).sum("amount_120d"))


def _segments(settings: Settings, customers: Sequence[CustomerId], spent: Sequence[float]) -> Segments:
    told = groups(settings.contract_dir)
    found: Segments = {name: [of.get(each) for each in customers] for name, of in told.items()}
    cuts = np.quantile(spent, [1 / 3, 2 / 3]) if spent else np.zeros(2)
    found["customer"] = [THIRDS[int(np.searchsorted(cuts, each, side="left"))] for each in spent]
    return found


def _changes(segments: Segments, before: Everybody, after: Everybody, seed: int) -> Iterator[Change]:
    more = differences(before, after)
    for attribute, names in segments.items():
        for group, places in grouped(names).items():
            own = places.tolist()
            yield Change(
                attribute,
                group,
                len(own),
                sum(before.choice[i] is not None for i in own),
                sum(after.choice[i] is not None for i in own),
                sum(before.contacts[i] for i in own),
                sum(after.contacts[i] for i in own),
                interval(more[places].tolist(), seed),
                int((more[places] > 0).sum()),
                int((more[places] < 0).sum()),
            )


def write(settings: Settings, found: WhatIf) -> Path:
    """The report's folder, ``<data-dir>/reports/whatif/<fingerprint>``: ``whatif.json`` and ``whatif.png``."""
    folder = settings.reports_dir / "whatif" / found.policy_after[:12]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whatif.json").write_text(json.dumps(found.document(), indent=1))
    picture(found.before, found.after, [(f"{c.attribute} {c.group}", c.money) for c in found.changes]).savefig(
        folder / "whatif.png", dpi=110
    )
    return folder


def body_of(file: Path) -> Body:
    """The document in a file.

    Raises:
        KairosError: There is no such file, or it holds no JSON object.
    """
    try:
        return parse(Name.POLICY, file.read_text(encoding="utf-8"))
    except OSError as error:
        raise KairosError(f"{file} cannot be read ({error}): name a policy document, POLICY=file") from error

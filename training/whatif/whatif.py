"""``make whatif POLICY=file``: a changed policy over everybody, with the very code that decides, before it goes live.

Every customer is decided for once with what is in force and once with the change, in one random order of arrival, and
what is taken of stock, capacity and budget is gone for the next, in each of the two; what is scarce has the prices that
the service would have solved. Nothing is reserved or recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from features.domain import CustomerId, Instant
from features.errors import KairosError
from features.state import State
from serving.documents import Documents
from serving.equipment import Equipment
from serving.journal.errors import JournalUnavailableError
from serving.listing import imagined
from serving.pairs import remembered
from serving.parts import Parts, parts_of
from serving.policy.document import Body, Name, parse
from serving.prices import tariff
from serving.problem import RefusalError
from serving.rehearsal import Rehearsal, ask
from serving.settings import Settings
from serving.staff import staff_of
from training.gate.groups import groups
from training.whatif.comparison import Change, WhatIf
from training.whatif.outcome import Everybody, differences, grouped, interval

Segments = dict[str, list[str | None]]
"""By attribute: the group of each customer."""
Progress = Callable[[Sequence[CustomerId]], Iterator[CustomerId]]
THIRDS = ("spends little", "spends some", "spends much")


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
    return remembered(activity, "amount_120d", at)


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


def body_of(file: Path) -> Body:
    """The document in a file.

    Raises:
        KairosError: There is no such file, or it holds no JSON object.
    """
    try:
        return parse(Name.POLICY, file.read_text(encoding="utf-8"))
    except OSError as error:
        raise KairosError(f"{file} cannot be read ({error}): name a policy document, POLICY=file") from error

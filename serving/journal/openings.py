"""What a customer began lately, and what may have ended it: few columns of few events, for every decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select, union_all

from features.domain import CustomerId, Instant, Kind
from features.intent import CLOSING, MATTERS_US, Closing, Intent, Opening, closable, open_intents, open_topics
from serving.journal.past import KINDS, event_of, recent
from serving.journal.schema import EVENTS, IDENTITIES
from serving.journal.written import Values, Written

MOST = 500
"""Events among which it is looked for: the latest of a customer who has more of them."""
Look = Callable[[Written, Mapping[str, object]], list[Values]]
"""Runs a statement with the values of its parameters."""


def begun(look: Look, customer_id: CustomerId, at: Instant, kinds: frozenset[Kind]) -> tuple[Intent, ...]:
    """The topics open at an instant, of those that events of these kinds begin."""
    if not kinds:
        return ()
    since = {f"since_{kind}": at - MATTERS_US[kind] for kind in kinds}
    told = look(_opening(kinds), {"whose": customer_id, **since})
    if len(told) > MOST:
        return _among_the_latest(look, customer_id, at, kinds)
    openings = [
        Opening(KINDS[kind], channel, offer_id, category, Instant(min(occurred_us, received_us)), source, event_id)
        for kind, channel, offer_id, category, occurred_us, received_us, source, event_id in told
    ]
    first = min((opening.at for opening in openings if closable(opening.kind)), default=None)
    if first is None:
        return open_topics(openings, (), at)
    ends = look(_CLOSING, {"whose": customer_id, "first": first})
    if len(ends) > MOST:
        return _among_the_latest(look, customer_id, at, kinds)
    closings = [
        Closing(KINDS[kind], category, Instant(min(occurred_us, received_us)))
        for kind, category, occurred_us, received_us in ends
    ]
    return open_topics(openings, closings, at)


def _among_the_latest(look: Look, customer_id: CustomerId, at: Instant, kinds: frozenset[Kind]) -> tuple[Intent, ...]:
    """The same of a customer of whom more happened than can be looked at."""
    within = {kind: span for kind, span in MATTERS_US.items() if kind in kinds | CLOSING}
    since = {f"since_{span}": at - span for span in within.values()}
    rows = look(recent(tuple(within.items())), {"whose": customer_id, "most": MOST, **since})
    return open_intents((event_of(row, customer_id) for row in rows), at)


@cache
def _opening(kinds: frozenset[Kind]) -> Written:
    """A statement for what events of these kinds may have begun; one after the other, as an index tells them.

    Asked for all at once they would be looked for as far back as the one that is looked for the furthest.
    """
    columns = ("kind", "channel", "offer_id", "category", "occurred_us", "received_us", "source", "event_id")
    return _of_each(columns, [(kind, bindparam(f"since_{kind}")) for kind in sorted(kinds)])


def _of_each(columns: tuple[str, ...], kinds: Iterable[tuple[Kind, ColumnElement[Any]]]) -> Written:
    return Written(union_all(*(_events(columns, kind, since) for kind, since in kinds)).limit(MOST + 1))


def _events(columns: tuple[str, ...], kind: Kind, since: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*(EVENTS.c[name] for name in columns))
        .select_from(IDENTITIES.join(EVENTS, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
        .where(
            IDENTITIES.c.customer_id == bindparam("whose"),
            EVENTS.c.kind == kind.value,
            EVENTS.c.occurred_us >= since,
            EVENTS.c.machine.is_(False),
        )
    )


_CLOSING = _of_each(
    ("kind", "category", "occurred_us", "received_us"), [(kind, bindparam("first")) for kind in sorted(CLOSING)]
)
"""Whatever may have ended something since an instant."""

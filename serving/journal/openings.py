"""What customers began lately, and what may have ended it: few columns of few events, for every decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, case, select, union_all

from features.domain import CustomerId, Instant, Kind
from features.intent import CLOSING, MATTERS_US, Closing, Intent, Opening, closable, open_intents, open_topics
from serving.journal.past import KINDS, event_of, recent
from serving.journal.schema import EVENTS, IDENTITIES
from serving.journal.written import Values, Written
from serving.several import numbered

MOST = 500
"""Events among which it is looked for: the latest of a customer who has more of them."""
Look = Callable[[Written, Mapping[str, object]], list[Values]]
"""Runs a statement with the values of its parameters."""
Begins = Mapping[CustomerId, frozenset[Kind]]
"""Customers with the kinds of events that may have begun what is open."""


def begun(look: Look, customer_id: CustomerId, at: Instant, kinds: frozenset[Kind]) -> tuple[Intent, ...]:
    """The topics open at an instant, of those that events of these kinds begin."""
    if not kinds:
        return ()
    told = look(_opening(kinds), {"whose": customer_id, **_since(kinds, at)})
    if len(told) > MOST:
        return _among_the_latest(look, customer_id, at, kinds)
    openings = [_opened(row) for row in told]
    first = _first(openings)
    if first is None:
        return open_topics(openings, (), at)
    ends = look(_CLOSING, {"whose": customer_id, "first": first})
    if len(ends) > MOST:
        return _among_the_latest(look, customer_id, at, kinds)
    return open_topics(openings, [_ended(row) for row in ends], at)


def begun_by(look: Look, begins: Begins, at: Instant) -> dict[CustomerId, tuple[Intent, ...]]:
    """The same of several customers, read together; of whom nothing is open may be left out."""
    alike: dict[frozenset[Kind], list[CustomerId]] = {}
    for customer_id, kinds in begins.items():
        alike.setdefault(kinds, []).append(customer_id)
    openings: dict[CustomerId, list[Opening]] = {}
    for kinds, customers in alike.items():
        if not kinds:
            continue
        whose = numbered("whose", customers)
        rows = look(_openings(kinds, len(whose)), {**whose, **_since(kinds, at)})
        if len(rows) > MOST:
            return _one_by_one(look, begins, at)
        for customer_id, *row in rows:
            openings.setdefault(customer_id, []).append(_opened(row))
    found = {customer_id: _first(told) for customer_id, told in openings.items()}
    first = {customer_id: each for customer_id, each in found.items() if each is not None}
    closings: dict[CustomerId, list[Closing]] = {}
    if first:
        whose = numbered("whose", [*first])
        ends = look(_closings(len(whose)), {**whose, **numbered("first", [*first.values()])})
        if len(ends) > MOST:
            return _one_by_one(look, begins, at)
        for customer_id, *row in ends:
            closings.setdefault(customer_id, []).append(_ended(row))
    return {each: open_topics(told, closings.get(each, ()), at) for each, told in openings.items()}


def rehearse(look: Look, kinds: frozenset[Kind], n: int) -> None:
    """Ask of so many customers who are nobody: the statements are then ready when somebody waits."""
    nobody, since = numbered("whose", [""] * n), {f"since_{kind}": 0 for kind in kinds}
    look(_openings(kinds, n), {**nobody, **since})
    look(_closings(n), {**nobody, **numbered("first", [0] * n)})


def _one_by_one(look: Look, begins: Begins, at: Instant) -> dict[CustomerId, tuple[Intent, ...]]:
    """The same of customers of some of whom more happened than can be looked at."""
    return {customer_id: begun(look, customer_id, at, kinds) for customer_id, kinds in begins.items()}


def _among_the_latest(look: Look, customer_id: CustomerId, at: Instant, kinds: frozenset[Kind]) -> tuple[Intent, ...]:
    """The same of a customer of whom more happened than can be looked at."""
    within = {kind: span for kind, span in MATTERS_US.items() if kind in kinds | CLOSING}
    since = {f"since_{span}": at - span for span in within.values()}
    rows = look(recent(tuple(within.items())), {"whose": customer_id, "most": MOST, **since})
    return open_intents((event_of(row, customer_id) for row in rows), at)


def _since(kinds: frozenset[Kind], at: Instant) -> dict[str, int]:
    return {f"since_{kind}": at - MATTERS_US[kind] for kind in kinds}


def _opened(row: Sequence[Any]) -> Opening:
    kind, channel, offer_id, category, occurred, received, source, event_id = row
    at = occurred if occurred < received else received
    return Opening(KINDS[kind], channel, offer_id, category, at, source, event_id)


def _ended(row: Sequence[Any]) -> Closing:
    kind, category, occurred, received = row
    return KINDS[kind], category, occurred if occurred < received else received


def _first(openings: Iterable[Opening]) -> Instant | None:
    """From when on these may have been ended; None where nothing ends them."""
    return min([opening.at for opening in openings if closable(opening.kind)], default=None)


_OPENING = "kind", "channel", "offer_id", "category", "occurred_us", "received_us", "source", "event_id"
_ENDING = "kind", "category", "occurred_us", "received_us"
_OWN = IDENTITIES.c


@cache
def _opening(kinds: frozenset[Kind]) -> Written:
    """A statement for what events of these kinds may have begun; one after the other, as an index tells them.

    Asked for all at once they would be looked for as far back as the one that is looked for the furthest.
    """
    whose = _OWN.customer_id == bindparam("whose")
    return _joined(_events(_OPENING, kind, bindparam(f"since_{kind}")).where(whose) for kind in sorted(kinds))


@cache
def _openings(kinds: frozenset[Kind], n: int) -> Written:
    """The same of so many customers, each row with whose it is."""
    whose = _OWN.customer_id.in_([bindparam(f"whose_{number}", type_=Text) for number in range(n)])
    told = _OWN.customer_id
    return _joined(_events(_OPENING, kind, bindparam(f"since_{kind}"), told).where(whose) for kind in sorted(kinds))


@cache
def _closings(n: int) -> Written:
    """A statement for what may have ended something of so many customers, each since an instant of their own."""
    some = [bindparam(f"whose_{number}", type_=Text) for number in range(n)]
    since = [bindparam(f"first_{number}", type_=BigInteger) for number in range(n)]
    first = case(*((_OWN.customer_id == who, each) for who, each in zip(some, since, strict=True)))
    whose = _OWN.customer_id.in_(some)
    return _joined(_events(_ENDING, kind, first, _OWN.customer_id).where(whose) for kind in sorted(CLOSING))


def _joined(events: Iterable[Select[Any]]) -> Written:
    return Written(union_all(*events).limit(MOST + 1))


def _events(columns: Sequence[str], kind: Kind, since: ColumnElement[Any], *more: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*more, *(EVENTS.c[name] for name in columns))
        .select_from(IDENTITIES.join(EVENTS, EVENTS.c.identity_id == _OWN.identity_id))
        .where(EVENTS.c.kind == kind.value, EVENTS.c.occurred_us >= since, EVENTS.c.machine.is_(False))
    )


_CLOSING = _joined(
    _events(_ENDING, kind, bindparam("first")).where(_OWN.customer_id == bindparam("whose")) for kind in sorted(CLOSING)
)
"""Whatever may have ended something since an instant."""

"""What customers began lately, and what may have ended it: few columns of few events, for every decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, bindparam, column, select, values

from features.domain import CustomerId, Instant, Kind
from features.intent import CLOSING, MATTERS_US, OPENING, Closing, Intent, Opening, closable, open_intents, open_topics
from features.unfinished import Unfinished
from serving.journal.past import KINDS, event_of, recent
from serving.journal.schema import EVENTS, IDENTITIES
from serving.journal.written import Values, Written

MOST = 500
"""Events among which it is looked for: the latest of a customer who has more of them."""
Look = Callable[[Written, Mapping[str, object]], list[Values]]
"""Runs a statement with the values of its parameters."""


def begun(look: Look, customer_id: CustomerId, at: Instant, signs: Unfinished | None) -> tuple[Intent, ...]:
    """The topics open at an instant, of those that the signs tell of."""
    if signs is None:
        return ()
    found = _begun(look, {customer_id: signs}, at)
    return _among_the_latest(look, customer_id, at, signs) if found is None else found.get(customer_id, ())


def begun_by(look: Look, signs: Mapping[CustomerId, Unfinished], at: Instant) -> dict[CustomerId, tuple[Intent, ...]]:
    """The same of several customers, read together; of whom nothing is open may be left out."""
    found = _begun(look, signs, at) if signs else {}
    return {each: begun(look, each, at, seen) for each, seen in signs.items()} if found is None else found


def _begun(
    look: Look, signs: Mapping[CustomerId, Unfinished], at: Instant
) -> dict[CustomerId, tuple[Intent, ...]] | None:
    """None where more happened than can be looked at."""
    asked = [(each, kind, at - MATTERS_US[kind]) for each, seen in signs.items() for kind in seen.begun]
    rows = look(_openings(_size(asked)), _given(asked))
    if len(rows) > MOST:
        return None
    openings: dict[CustomerId, list[Opening]] = {}
    for customer_id, *row in rows:
        openings.setdefault(customer_id, []).append(_opened(row))
    found = {each: _first(opened) for each, opened in openings.items()}
    asked = [
        (each, kind, first)
        for each, first in found.items()
        if first is not None
        for kind, last in signs[each].ended
        if last >= first
    ]
    ends = look(_closings(_size(asked)), _given(asked)) if asked else []
    if len(ends) > MOST:
        return None
    closings: dict[CustomerId, list[Closing]] = {}
    for customer_id, kind, category, occurred, received in ends:
        ended = KINDS[kind], category, occurred if occurred < received else received
        closings.setdefault(customer_id, []).append(ended)
    return {each: open_topics(opened, closings.get(each, ()), at) for each, opened in openings.items()}


def rehearse(look: Look, n: int) -> None:
    """Ask of nobody as it is done of so many customers: the statements are then ready when somebody waits."""
    for power in range((n * len(OPENING) - 1).bit_length() + 1):
        for statement in (_openings, _closings):
            look(statement(1 << power), _given([_NOBODY] * (1 << power)))


def _among_the_latest(look: Look, customer_id: CustomerId, at: Instant, signs: Unfinished) -> tuple[Intent, ...]:
    """The same of a customer of whom more happened than can be looked at."""
    within = {kind: span for kind, span in MATTERS_US.items() if kind in signs.begun or kind in CLOSING}
    since = {f"since_{span}": at - span for span in within.values()}
    rows = look(recent(tuple(within.items())), {"whose": customer_id, "most": MOST, **since})
    return open_intents((event_of(row, customer_id) for row in rows), at)


def _opened(row: Sequence[Any]) -> Opening:
    kind, channel, offer_id, category, occurred, received, source, event_id = row
    at = occurred if occurred < received else received
    return Opening(KINDS[kind], channel, offer_id, category, at, source, event_id)


def _first(openings: Iterable[Opening]) -> Instant | None:
    """From when on these may have been ended; None where nothing ends them."""
    return min([opening.at for opening in openings if closable(opening.kind)], default=None)


_Asked = tuple[CustomerId, Kind, int]
"""Of whom events are asked for, of which kind, and since when."""
_NOBODY = CustomerId(""), Kind.VISITED, 0


def _size(asked: Sequence[_Asked]) -> int:
    """Of few sizes, so that a database reads each statement only once."""
    return 1 << (len(asked) - 1).bit_length()


def _given(asked: Sequence[_Asked]) -> dict[str, object]:
    """The parameters of a statement about so many."""
    names = _names(_size(asked))
    parameters = [value for each in asked for value in each]
    return dict(zip(names, [*parameters, *_NOBODY * (len(names) // len(_NOBODY) - len(asked))], strict=True))


@cache
def _names(n: int) -> tuple[str, ...]:
    return tuple(f"{noun}_{number}" for number in range(n) for noun in ("whose", "kind", "since"))


@cache
def _openings(n: int) -> Written:
    """A statement for what may have begun something, of so many customers and kinds; each row with whose it is."""
    event = EVENTS.c
    columns = event.kind, event.channel, event.offer_id, event.category, event.occurred_us, event.received_us
    return _events(n, *columns, event.source, event.event_id)


@cache
def _closings(n: int) -> Written:
    """The same for what may have ended it."""
    event = EVENTS.c
    return _events(n, event.kind, event.category, event.occurred_us, event.received_us)


def _events(n: int, *columns: ColumnElement[Any]) -> Written:
    """Each kind since an instant of its own: asked for all at once they would be looked for as far back as the one that
    is looked for the furthest."""
    types = ("whose", Text()), ("kind", Text()), ("since", BigInteger())
    rows = [tuple(bindparam(f"{noun}_{number}", type_=of) for noun, of in types) for number in range(n)]
    asked = values(*(column(noun, of) for noun, of in types), name="asked").data(rows).cte("asked")
    own, event = IDENTITIES.c, EVENTS.c
    meant = and_(event.identity_id == own.identity_id, event.kind == asked.c.kind, event.occurred_us >= asked.c.since)
    whose = asked.join(IDENTITIES, own.customer_id == asked.c.whose).join(EVENTS, meant)
    return Written(select(asked.c.whose, *columns).select_from(whose).where(event.machine.is_(False)).limit(MOST + 1))

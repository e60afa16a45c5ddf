"""What is to be decided again after a contact: what is due, who decides it, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, or_, select, tuple_, update

from features.domain import SECOND, ChannelName, CustomerId, DecisionId, Instant, Kind, OfferId
from serving.journal.past import IDENTIFIED
from serving.journal.schema import CONTACTS, EVENTS, FOLLOW_UPS, IDENTITIES
from serving.journal.standings import release
from serving.journal.timeline import Entry, entry
from serving.journal.transaction import Transaction
from serving.ledger.contact import ContactId, Standing

CLAIM_US = 60 * SECOND
"""After which another one may decide what somebody claimed and never decided."""
WENT_OUT = (Standing.CONFIRMED, Standing.SENT, Standing.OVERDRAWN)
"""Only what was, or surely will be, sent can be followed."""


@dataclass(frozen=True, slots=True)
class Due:
    """One follow-up."""

    contact_id: ContactId
    place: int
    customer_id: CustomerId
    """Whose the contact is now."""
    offer_id: OfferId
    channel: ChannelName
    """Where the reminder goes."""
    unless: tuple[Kind, ...]
    at: Instant
    since: Instant
    """When the contact went out that it follows."""
    followed: DecisionId | None
    """The decision that it follows."""
    decision_id: DecisionId | None
    """What was decided, once it was."""

    @property
    def key(self) -> tuple[int, str, int]:
        """The place in the order in which they are handed out."""
        return self.at, self.contact_id, self.place


_KEY = (FOLLOW_UPS.c.contact_id == bindparam("which")) & (FOLLOW_UPS.c.place == bindparam("nth"))
_ANSWER = CONTACTS.alias("answer")
_FULL = select(
    FOLLOW_UPS, IDENTITIES.c.customer_id, CONTACTS.c.moment_us, CONTACTS.c.decision_id.label("followed")
).select_from(
    FOLLOW_UPS.join(CONTACTS, FOLLOW_UPS.c.contact_id == CONTACTS.c.contact_id).join(
        IDENTITIES, CONTACTS.c.identity_id == IDENTITIES.c.identity_id
    )
)
_OF = _FULL.where(FOLLOW_UPS.c.decision_id == bindparam("decided"))
_DUE = _FULL.where(
    FOLLOW_UPS.c.due_us >= bindparam("first"),
    FOLLOW_UPS.c.due_us <= bindparam("last"),
    FOLLOW_UPS.c.cancelled.is_(None),
    CONTACTS.c.standing.in_(WENT_OUT),
    or_(
        FOLLOW_UPS.c.decision_id.is_(None),
        exists().where(
            _ANSWER.c.decision_id == FOLLOW_UPS.c.decision_id,
            _ANSWER.c.standing == Standing.RESERVED.value,
            _ANSWER.c.expires_us > bindparam("now"),
        ),
    ),
).order_by(FOLLOW_UPS.c.due_us, FOLLOW_UPS.c.contact_id, FOLLOW_UPS.c.place)
_CLAIM = (
    update(FOLLOW_UPS)
    .where(
        _KEY,
        FOLLOW_UPS.c.decision_id.is_(None),
        FOLLOW_UPS.c.cancelled.is_(None),
        or_(FOLLOW_UPS.c.claimed_us.is_(None), FOLLOW_UPS.c.claimed_us <= bindparam("stale")),
    )
    .values(claimed_us=bindparam("at"))
)
_DECIDED = update(FOLLOW_UPS).where(_KEY).values(decision_id=bindparam("decided"))
_CANCEL = update(FOLLOW_UPS).where(_KEY).values(cancelled=bindparam("why"))
_MADE = select(CONTACTS.c.contact_id).where(
    CONTACTS.c.decision_id == bindparam("decided"), CONTACTS.c.standing == Standing.RESERVED.value
)
_SINCE = (
    select(EVENTS)
    .select_from(EVENTS.join(IDENTITIES, EVENTS.c.identity_id == IDENTITIES.c.identity_id))
    .where(
        IDENTITIES.c.customer_id == bindparam("whose"),
        EVENTS.c.occurred_us >= bindparam("since"),
        EVENTS.c.kind.in_(bindparam("kinds", expanding=True)),
        and_(EVENTS.c.kind != IDENTIFIED, EVENTS.c.machine.is_(False)),
    )
    .order_by(EVENTS.c.occurred_us, EVENTS.c.position)
)


def due(
    connection: Connection, first: Instant, last: Instant, now: Instant, after: tuple[int, str, int] | None, most: int
) -> list[Due]:
    """Follow-ups that fall due from ``first`` to ``last``, in their order, those after a key only.

    They are not decided yet, or what was decided waits to be confirmed. Some may be cancelled by what happened since.
    """
    rows = _DUE.limit(most)
    if after is not None:
        place = tuple_(FOLLOW_UPS.c.due_us, FOLLOW_UPS.c.contact_id, FOLLOW_UPS.c.place)
        rows = rows.where(place > after)
    return [_read(row) for row in connection.execute(rows, {"first": first, "last": last, "now": now})]


def _read(row: Any) -> Due:
    return Due(
        ContactId(row.contact_id),
        row.place,
        CustomerId(row.customer_id),
        OfferId(row.offer_id),
        ChannelName(row.channel),
        tuple(Kind(each) for each in json.loads(row.unless)),
        Instant(row.due_us),
        Instant(row.moment_us),
        None if row.followed is None else DecisionId(row.followed),
        None if row.decision_id is None else DecisionId(row.decision_id),
    )


def reminder(connection: Connection, decision_id: DecisionId) -> Due | None:
    """The follow-up that this decision was made for; None where it was made for none."""
    row = connection.execute(_OF, {"decided": decision_id}).one_or_none()
    return None if row is None else _read(row)


def happened_since(connection: Connection, each: Due) -> Sequence[Entry]:
    """What happened to the customer after the contact that may cancel the follow-up, oldest first."""
    if not each.unless:
        return ()
    asked = {"whose": each.customer_id, "since": each.since, "kinds": list(each.unless)}
    return [entry(row) for row in connection.execute(_SINCE, asked)]


def claim(transaction: Transaction, each: Due, at: Instant) -> bool:
    """True for the one who is to decide it; nobody else is told so for a while."""
    transaction.take_turn()
    asked = {"which": each.contact_id, "nth": each.place, "at": at, "stale": at - CLAIM_US}
    return transaction.connection.execute(_CLAIM, asked).rowcount == 1


def decided(transaction: Transaction, each: Due, decision_id: DecisionId) -> None:
    """Record what was decided."""
    asked = {"which": each.contact_id, "nth": each.place, "decided": decision_id}
    transaction.connection.execute(_DECIDED, asked)


def cancel(transaction: Transaction, each: Due, why: str, at: Instant) -> None:
    """Record that it is not to be decided, and why; what was reserved for it is given back."""
    transaction.take_turn()
    transaction.connection.execute(_CANCEL, {"which": each.contact_id, "nth": each.place, "why": why})
    if each.decision_id is not None:
        made = transaction.connection.execute(_MADE, {"decided": each.decision_id}).scalars().all()
        for contact_id in made:
            release(transaction, ContactId(contact_id), at, f"no longer needed: {why}")

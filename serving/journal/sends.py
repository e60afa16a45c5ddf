"""What was decided for one send of one campaign, so that whoever asks again for it gets the same."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, or_, select

from features.domain import ChannelName, CustomerId, DecisionId, Instant
from serving.identity.namespace import CUSTOMER, KAIROS
from serving.journal.reserving import introduce
from serving.journal.schema import IDENTITIES, SENDS
from serving.journal.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Sending:
    """One message of one campaign, whoever it goes to."""

    campaign: str
    send: str
    """Which run of the campaign, as the sender numbers them."""
    channel: ChannelName


_MADE = (
    select(SENDS.c.decision_id)
    .select_from(SENDS.join(IDENTITIES, SENDS.c.identity_id == IDENTITIES.c.identity_id))
    .where(
        IDENTITIES.c.customer_id == bindparam("whose"),
        SENDS.c.campaign == bindparam("campaign"),
        SENDS.c.send == bindparam("send"),
        SENDS.c.channel == bindparam("channel"),
    )
    .order_by(SENDS.c.at_us, SENDS.c.decision_id)
    .limit(1)
)
_CALLED = (
    select(IDENTITIES.c.identity_id)
    .where(
        or_(IDENTITIES.c.namespace == CUSTOMER, IDENTITIES.c.namespace == KAIROS),
        IDENTITIES.c.value == bindparam("whose"),
    )
    .order_by(IDENTITIES.c.identity_id)
)
_MAKE = insert(SENDS)


def decided_for(connection: Connection, customer_id: CustomerId, sending: Sending) -> DecisionId | None:
    """The decision that was made for this send; of a customer made of two, the earlier one."""
    row = connection.execute(_MADE, _key(sending) | {"whose": customer_id}).first()
    return None if row is None else DecisionId(row.decision_id)


def note_send(
    transaction: Transaction, customer_id: CustomerId, sending: Sending, decision_id: DecisionId, at: Instant
) -> None:
    """Remember what was decided for a send. It belongs to the name that the customer is called by, as contacts do."""
    whose = transaction.connection.execute(_CALLED, {"whose": customer_id}).scalar()
    if whose is None:
        whose = introduce(transaction, customer_id, at)
    row = {"identity_id": whose, "decision_id": decision_id, "at_us": at}
    transaction.connection.execute(_MAKE, _key(sending) | row)


def _key(sending: Sending) -> dict[str, object]:
    return {"campaign": sending.campaign, "send": sending.send, "channel": sending.channel}

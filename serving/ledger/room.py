"""Whether a contact fits under every cap, and which lesser reservations have to give way to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from features.domain import Instant
from serving.ledger.contact import Contact, ContactId, Standing
from serving.ledger.counting import blocked, displaceable, kept_slots, subjects
from serving.policy.policy import Cap, Policy


def fits(wanted: Contact, others: Iterable[Contact], policy: Policy, zone: str) -> bool:
    """True where the wanted contact breaks no cap beside others that count."""
    held = list(others)
    return not any(_broken(cap, wanted, held, policy, zone) for cap in policy.caps)


def room(
    wanted: Contact, contacts: Iterable[Contact], policy: Policy, zone: str, at: Instant
) -> tuple[ContactId, ...] | None:
    """Reservations that the wanted contact has to displace so that it breaks no cap; None where that is not enough.

    As few as may be of the least priority; of equal ones those that go out last.
    """
    counting = [contact for contact in contacts if contact.counts_at(at)]
    holding = [contact for contact in counting if not displaceable(contact, wanted.priority)]
    if not fits(wanted, holding, policy, zone):
        return None
    giving_way = [contact for contact in counting if displaceable(contact, wanted.priority)]
    gone: list[ContactId] = []
    for contact in sorted(giving_way, key=lambda each: (-each.priority, each.moment)):
        # The best are asked first whether they may stay, so that what has to go is of the least priority.
        if fits(wanted, [*holding, contact], policy, zone):
            holding.append(contact)
        else:
            gone.append(contact.contact_id)
    return tuple(gone)


def admitted(
    wanted: Iterable[Contact], contacts: Iterable[Contact], policy: Policy, zone: str, at: Instant
) -> tuple[tuple[Contact, ...], tuple[ContactId, ...]]:
    """Of the messages of one decision, best first, those that break no cap together, and what they displace.

    Each of them alone may fit where two do not. What is not promotional is never capped: see ``capped``.
    """
    known, made, gone = list(contacts), list[Contact](), set[ContactId]()
    for each in wanted:
        left = [contact for contact in known if contact.contact_id not in gone]
        # Messages of the same decision do not displace each other: the best were chosen first.
        standing = [replace(mine, standing=Standing.CONFIRMED) for mine in made]
        giving_way = room(each, [*left, *standing], policy, zone, at) if each.capped else ()
        if giving_way is not None:
            made.append(each)
            gone.update(giving_way)
    return tuple(made), tuple(contact.contact_id for contact in known if contact.contact_id in gone)


def _broken(cap: Cap, wanted: Contact, others: Sequence[Contact], policy: Policy, zone: str) -> bool:
    moment, kept = np.array([wanted.moment], dtype=np.int64), kept_slots(policy.kept, cap, wanted.priority)
    return any(bool(blocked(cap, each, others, moment, zone, kept)[0]) for each in subjects(cap.per, wanted))

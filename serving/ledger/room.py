"""Whether a contact fits under every cap, and which lesser reservations have to give way to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from features.domain import Instant
from serving.ledger.contact import Contact, ContactId
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


def _broken(cap: Cap, wanted: Contact, others: Sequence[Contact], policy: Policy, zone: str) -> bool:
    moment, kept = np.array([wanted.moment], dtype=np.int64), kept_slots(policy.kept, cap, wanted.priority)
    return any(bool(blocked(cap, each, others, moment, zone, kept)[0]) for each in subjects(cap.per, wanted))

"""What a decision asks the ledger for: one message per outbound channel and moment, and what its offers use up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from features.domain import DecisionId, Importance, Instant
from features.quick import quick
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.ledger.reservation import Take, contact_id_of, contact_of
from serving.ledger.room import room
from serving.ledger.shared import of_message, takes_of
from serving.money import interrupts
from serving.pairs import Pair
from serving.policy.policy import Policy

TOLERANCE = 1e-9
"""Money is added up in float64."""
Place = tuple[str, Instant, bool]
"""Channel, moment, and whether it promotes: what does not goes out by itself."""


@quick(frozen=True, slots=True)
class Grant:
    """What has to be granted, all or nothing."""

    contacts: tuple[Contact, ...] = ()
    takes: tuple[Take, ...] = ()
    displaced: tuple[ContactId, ...] = ()
    """Reservations of lower priority that give way."""

    @property
    def empty(self) -> bool:
        """True where nothing is asked of the ledger."""
        return not self.contacts and not self.takes


NOTHING = Grant()


class Seated(NamedTuple):
    """The chosen with the messages they go out with."""

    messages: list[ContactId | None]
    """Of each chosen pair; None where nobody is interrupted (an inbound channel, an enclosed offer), or where it is an
    alternative."""
    gone: list[int]
    """Which of the chosen use up more than is left."""
    grant: Grant


@quick(frozen=True, slots=True)
class _Message:
    contact_id: ContactId
    number: int
    pairs: tuple[Pair, ...]
    displaced: tuple[ContactId, ...]


@dataclass
class _Desk:
    """What is asked for so far."""

    decision_id: DecisionId
    at: Instant
    zone: str
    policy: Policy
    ledger: Ledger
    most: int
    told: dict[Place, _Message] = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)

    def message(self, place: Place, pair: Pair) -> _Message | None:
        """The message with this pair in it; None where no cap has room for it, or no further one is wanted."""
        held = self.told.get(place)
        if held is None and len(self.told) >= self.most:
            return None
        number = len(self.told) + 1 if held is None else held.number
        pairs = (pair,) if held is None else (*held.pairs, pair)
        before = () if held is None else held.displaced
        if not self.policy.caps:
            return _Message(contact_id_of(self.decision_id, number), number, pairs, before)
        wanted = contact_of(self.decision_id, number, pairs, place[1], self.policy, self.at)
        # Messages of one decision do not displace each other: the best were chosen first.
        others = [
            replace(self._contact(each, told), standing=Standing.CONFIRMED)
            for each, told in self.told.items()
            if each != place
        ]
        gone = {contact_id for told in self.told.values() for contact_id in told.displaced}
        standing = [contact for contact in self.ledger.contacts if contact.contact_id not in gone]
        way = room(wanted, [*standing, *others], self.policy, self.zone, self.at) if _promotes(pair) else ()
        if way is None:
            return None
        return _Message(wanted.contact_id, number, pairs, tuple(dict.fromkeys((*before, *way))))

    def _contact(self, place: Place, message: _Message) -> Contact:
        return contact_of(self.decision_id, message.number, message.pairs, place[1], self.policy, self.at)

    def take(self, more: Sequence[Take]) -> bool:
        """Use these up, where there is enough of all of them."""
        wanted = list(of_message([*self.takes, *more]))
        for key in {take.key for take in wanted}:
            most = min(take.most for take in wanted if take.key == key)
            used = sum(take.amount for take in wanted if take.key == key)
            if self.ledger.taken.get(key, 0.0) + used > most + TOLERANCE:
                return False
        self.takes = wanted
        return True

    def grant(self) -> Grant:
        """Everything together."""
        contacts = tuple(self._contact(place, message) for place, message in self.told.items())
        displaced = [contact_id for message in self.told.values() for contact_id in message.displaced]
        return Grant(contacts, tuple(self.takes), tuple(dict.fromkeys(displaced)))


def _promotes(pair: Pair) -> bool:
    return pair.offer.importance is Importance.PROMOTIONAL


def seat(
    chosen: Sequence[Pair],
    moments: Sequence[Instant],
    decision_id: DecisionId,
    at: Instant,
    zone: str,
    policy: Policy,
    ledger: Ledger,
    most: int,
) -> Seated:
    """The message of each chosen pair, which goes out at its moment, and what is asked of the ledger.

    What needs a further message than the ``most`` that are wanted, or one that no cap has room for beside those above
    it, is an alternative.
    """
    desk, shared = _Desk(decision_id, at, zone, policy, ledger, most), bool(policy.capacities or policy.budgets)
    messages: list[ContactId | None] = []
    gone: list[int] = []
    for number, (pair, moment) in enumerate(zip(chosen, moments, strict=True)):
        place = (pair.channel.name, moment, _promotes(pair)) if interrupts(pair) else None
        message = None if place is None else desk.message(place, pair)
        contact_id = None if message is None else message.contact_id
        messages.append(contact_id)
        if place is not None and message is None:
            continue
        takes = takes_of(policy, pair, moment, contact_id) if shared or pair.offer.stock is not None else None
        if takes and not desk.take(takes):
            gone.append(number)
        elif place is not None and message is not None:
            desk.told[place] = message
    return Seated(messages, gone, desk.grant() if desk.told or desk.takes else NOTHING)

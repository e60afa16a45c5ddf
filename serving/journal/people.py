"""Who is who: which customer a set of names means, and when two customers turn out to be one, or one to be two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.domain import CustomerId
from features.errors import KairosError
from serving.identity.guard import refuse_join
from serving.identity.identity import Identity
from serving.identity.namespace import CUSTOMER, KAIROS
from serving.journal.audit import write_line
from serving.journal.consents import merge_consents
from serving.journal.names import Name, Names


class UnknownCustomerError(KairosError):
    """A name that belongs to nobody, or not to the customer it was said to belong to."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Whom an event means, and the name it belongs to."""

    identity_id: int
    customer_id: CustomerId
    notes: tuple[str, ...] = ()


class People:
    """Decides inside one transaction; what is decided is recorded and never decided again."""

    def __init__(self, names: Names, new_customer: Callable[[], CustomerId]) -> None:
        self.names = names
        self._new_customer = new_customer

    def settle(self, identities: Sequence[Identity]) -> Settled:
        """The customer whom these names mean, joined where they meant several and nothing speaks against it.

        Args:
            identities: At least one, strongest first. What happened belongs to the first, whatever is joined or not.

        Raises:
            UnknownCustomerError: A name of namespace ``kairos`` that was given to nobody.
        """
        self.names.know(identities)
        for each in identities:
            if each.namespace == KAIROS and self.names.get(each) is None:
                raise UnknownCustomerError(f"{each.value!r} is no customer's name; it may have been erased")
        first, notes = identities[0], list[str]()
        customer_id = self._home(identities)
        for each in identities:
            name = self.names.get(each)
            if name is None:
                customer_id = self._add(each, customer_id, notes)
            elif name.customer_id != customer_id:
                customer_id = self._join(customer_id, name.customer_id, notes)
        settled = self.names.get(first)
        if settled is None:
            raise UnknownCustomerError(f"no customer could be found or made for a name of {first.namespace!r}")
        return Settled(settled.identity_id, settled.customer_id, tuple(notes))

    def _home(self, identities: Sequence[Identity]) -> CustomerId:
        """Whose the first name is: its own customer's, else that of the strongest known name, else a new one's."""
        first = identities[0]
        for each in identities:
            name = self.names.get(each)
            if name is not None and (each == first or self._refusal(first, name.customer_id) is None):
                return name.customer_id
        if first.namespace == CUSTOMER:
            return self.names.add(first, CustomerId(first.value)).customer_id
        return self._nobody()

    def _nobody(self) -> CustomerId:
        """A customer who has no name yet but the one that is given here."""
        customer_id = self._new_customer()
        return self.names.add(Identity(KAIROS, customer_id), customer_id).customer_id

    def _refusal(self, identity: Identity, customer_id: CustomerId) -> str | None:
        refusal = refuse_join({identity.namespace: 1}, self.names.counts(customer_id), apart=False)
        return None if refusal is None else refusal.why

    def _add(self, identity: Identity, customer_id: CustomerId, notes: list[str]) -> CustomerId:
        """Give a new name to a customer; returns what the customer is called then."""
        refusal = self._refusal(identity, customer_id)
        if refusal is not None:
            notes.append(f"a name of namespace {identity.namespace!r} was left aside: {refusal}")
            return customer_id
        self.names.add(identity, customer_id)
        if identity.namespace != CUSTOMER or identity.value == customer_id:
            return customer_id
        called = CustomerId(identity.value)
        self._become(customer_id, called)
        return called

    def _join(self, left: CustomerId, right: CustomerId, notes: list[str]) -> CustomerId:
        """Make two customers one unless something speaks against it; returns what the first is called then."""
        refusal = refuse_join(self.names.counts(left), self.names.counts(right), self.names.apart(left, right))
        if refusal is not None:
            notes.append(f"not joined with another customer: {refusal.why}")
            return left
        stays, goes = sorted((left, right), key=lambda c: min(name.rank for name in self.names.of(c).values()))
        self._become(goes, stays)
        write_line(self.names.connection, self.names.cause, "joined", stays, was=goes)
        notes.append("joined with another customer")
        return stays

    def _become(self, was: CustomerId, becomes: CustomerId) -> None:
        self.names.move(list(self.names.of(was).values()), becomes)
        merge_consents(self.names.connection, was, becomes, self.names.cause)

    def split(self, customer_id: CustomerId, leaving: Sequence[Identity]) -> CustomerId:
        """Set names of a customer apart, for good; returns the customer who has them from now on.

        The side with the caller's own number goes on being called by it; the other side gets a new name.

        Raises:
            UnknownCustomerError: One of the names is not the customer's, or none would stay.
        """
        self.names.know(leaving)
        going = [name for each in leaving if (name := self.names.get(each)) and name.customer_id == customer_id]
        if not going or len(going) < len(set(leaving)):
            raise UnknownCustomerError(
                f"not all of these names are names of customer {customer_id!r}: look them up first"
            )
        staying = [n for n in self.names.of(customer_id).values() if n not in going and n.namespace != KAIROS]
        if not staying:
            raise UnknownCustomerError(f"customer {customer_id!r} would have no name left: leave at least one")
        self.names.separate(going, staying)
        other = self._part(staying if any(name.namespace == CUSTOMER for name in going) else going)
        merge_consents(self.names.connection, customer_id, other, self.names.cause)
        write_line(self.names.connection, self.names.cause, "split", customer_id, new=other)
        moved = self.names.get(leaving[0])
        return other if moved is None else moved.customer_id

    def _part(self, names: Sequence[Name]) -> CustomerId:
        other = self._nobody()
        self.names.move(names, other)
        return other

"""What the service asks of whatever knows what is stored of a customer and of the offers, as of an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from features.domain import CustomerId, Instant, OfferId
from features.quick import quick
from features.rows import Profile
from features.state import State


@quick(frozen=True, slots=True)
class KnownProfile:
    """What a customer told, and the IANA zone of the customer's wall clock."""

    profile: Profile
    zone: str


Stood = tuple[bytes | None, KnownProfile | None]
"""The stored value that says what a customer did, and what the customer told; None where not known."""


class FeatureReader(Protocol):
    """Anything that knows what is stored. A value older than its time-to-live at the asked instant is not known.

    Every method raises StoreUnavailableError where the store cannot be read, and SchemaMismatchError where it was
    written by another build. All may be called from several threads.
    """

    def activity(self, customer_id: CustomerId, at: Instant) -> State | None:
        """What the customer did; None where nothing is known."""
        ...

    def state(self, value: bytes, at: Instant) -> State | None:
        """What a stored value says that the customer did; None where it is older than its time-to-live."""
        ...

    def customer(self, customer_id: CustomerId) -> Stood:
        """The stored value that says what the customer did, and what the customer told; None where not known."""
        ...

    def several(self, customer_ids: Sequence[CustomerId]) -> list[Stood]:
        """As ``customer``, of each of these, read together; at least one."""
        ...

    def profile(self, customer_id: CustomerId) -> KnownProfile | None:
        """What the customer told; None where nothing is known."""
        ...

    def zone(self, customer_id: CustomerId) -> str:
        """The IANA zone of the customer's wall clock; UTC where nothing is known."""
        ...

    def customers(self) -> list[CustomerId]:
        """Everybody of whom anything is stored, by id."""
        ...

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        """What all customers showed of every offer, and of the market as a whole."""
        ...

"""How far a decision has come: shared between the thread that decides and the one that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from features.domain import CustomerId, Instant
from serving.circumstances import Circumstances
from serving.consent import Consent, Topic
from serving.pairs import Known


@dataclass
class Progress:
    """What is known by now, and whether anybody still waits."""

    at: Instant | None = None
    customer_id: CustomerId | None = None
    """Who it is about, once everything that came with the request was taken in."""
    stands: Circumstances | None = None
    """What was said to the customer."""
    consents: Mapping[Topic, Consent] | None = None
    known: Known | None = None
    """Everything that there is to know."""
    given_up: bool = False
    _writing: bool = False
    _lock: Lock = field(default_factory=Lock)

    def write(self) -> bool:
        """Ask to begin to write; False where nobody waits any more."""
        with self._lock:
            self._writing = not self.given_up
            return self._writing

    def give_up(self) -> bool:
        """Wait for nothing that is still to be found out; True where nothing is being written, nor ever will be.

        What is being written already is waited for.
        """
        with self._lock:
            self.given_up = self.given_up or not self._writing
            return self.given_up

    def abandon(self) -> None:
        """Wait for nothing any more: what is granted from now on is released."""
        with self._lock:
            self.given_up = True

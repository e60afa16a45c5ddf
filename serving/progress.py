"""How far a decision has come: shared between the thread that decides and the one that waits for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from features.domain import CustomerId, Instant
from serving.background import Background


@dataclass
class Progress:
    """What is known by now, and whether anybody still waits."""

    at: Instant | None = None
    customer_id: CustomerId | None = None
    """Who it is about, once everything that came with the request was taken in."""
    background: Background | None = None
    """What was read of the customer; replaced as a whole, so that nobody sees parts of two reads."""
    known: bool = False
    """Whether the journal knew the customer when it was chosen for whom to decide; not where a caller chose."""
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

"""What is made of something that stays the same for a long time, such as a catalogue: made once, for the latest one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Latest(Generic[A, B]):
    """Remembers what was made of the latest thing, by identity. Threads may share it."""

    def __init__(self, make: Callable[[A], B]) -> None:
        self._make = make
        self._held: tuple[A, B] | None = None

    def of(self, thing: A) -> B:
        """What is made of it."""
        held = self._held
        if held is None or held[0] is not thing:
            held = self._held = thing, self._make(thing)
        return held[1]

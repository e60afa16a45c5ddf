"""The version of a document that is in force, followed through its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from serving.policy.cabinet import Cabinet, Stamp
from serving.policy.document import Body, Document, Name, parse
from serving.policy.flaw import DocumentError

T = TypeVar("T")
Remembered = Callable[[Name], str | None]
"""The last version of a document that was in force, as its text; None where there was none or it cannot be told."""
Understand = Callable[[Body], Document[T]]
"""Raises DocumentError."""


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """What is in force of a document."""

    document: Document[T] | None
    """None: its file cannot be used, and no version before it is known."""
    note: str | None = None
    """Why this is not what the file holds."""


class Follower(Generic[T]):
    """Follows one document; to be used from one thread at a time. Without a file, the empty document is in force."""

    def __init__(self, cabinet: Cabinet, name: Name, understand: Understand[T], remembered: Remembered) -> None:
        self._cabinet = cabinet
        self._name = name
        self._understand = understand
        self._remembered = remembered
        self._looked: tuple[Stamp] | None = None
        self._held: Held[T] = Held(None)

    def held(self) -> Held[T]:
        """What is in force now, the very same object as before while the file is unchanged."""
        looked = (self._cabinet.stamp(self._name),)
        if looked != self._looked:
            before = self._held.document
            self._held = in_force(
                self._cabinet,
                self._name,
                self._understand,
                self._remembered if before is None else lambda _: before.text,
            )
            self._looked = looked
        return self._held


def in_force(cabinet: Cabinet, name: Name, understand: Understand[T], remembered: Remembered) -> Held[T]:
    """What is in force of a document: what its file holds, or the version before it where that cannot be used."""
    try:
        text = cabinet.text(name)
        return Held(understand({} if text is None else parse(name, text)))
    except (DocumentError, OSError) as error:
        trouble = f"{cabinet.path(name)}: {error}"
    before = remembered(name)
    try:
        if before is not None:
            document = understand(parse(name, before))
            return Held(document, f"Still going by the {name} document before the one in its file. {trouble}.")
    except DocumentError:
        pass  # Written by a build with other words: as good as none.
    return Held(None, f"{trouble}.")

"""What a thread has prepared for decisions whose turn is still to come; no other thread sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from typing import Generic, TypeVar

from serving.progress import Progress

T = TypeVar("T")


class Prepared(local, Generic[T]):
    """By the number of each decision's progress."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Progress, T]] = {}
        """With the progress, so that its number is nobody else's meanwhile."""

    def __contains__(self, progress: Progress) -> bool:
        return id(progress) in self._made

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What this thread keeps meanwhile is forgotten at the end."""
        try:
            yield
        finally:
            self._made.clear()

    def keep(self, progress: Progress, made: T) -> None:
        """Keep this until it is taken."""
        self._made[id(progress)] = progress, made

    def take(self, progress: Progress) -> T | None:
        """What was kept for a decision, once; None where nothing was."""
        found = self._made.pop(id(progress), None)
        return None if found is None else found[1]

    def all(self) -> list[T]:
        """What is kept, in its order."""
        return [made for _, made in self._made.values()]

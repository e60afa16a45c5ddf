"""Knows, apart from the journal, which journal was used and how far it had come.

An empty journal in place of a lost one, or an older copy, would know of no objection, no consent and no contact, and
offers would go out. What was seen of the right one tells them apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from serving.store import StoreUnavailableError


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a journal."""

    name: str
    """Drawn when the journal was begun; empty where only positions tell of it."""
    position: int
    """The last one given out that was seen; later ones may have been."""


class Witness(Protocol):
    """Anything that remembers a journal for longer than the journal may last.

    Both methods raise StoreUnavailableError where it cannot be asked.
    """

    def seen(self) -> Seen | None:
        """What was seen last; None where no journal ever was."""
        ...

    def see(self, seen: Seen) -> None:
        """Remember this instead."""
        ...


class MemoryWitness:
    """Remembers for as long as the process lasts: for trying things out."""

    def __init__(self, seen: Seen | None = None) -> None:
        self._seen = seen

    def seen(self) -> Seen | None:
        """See Witness."""
        return self._seen

    def see(self, seen: Seen) -> None:
        """See Witness."""
        self._seen = seen


class FileWitness:
    """Remembers in a small file, which is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seen(self) -> Seen | None:
        """See Witness."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return Seen(str(told["name"]), int(told["position"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreUnavailableError(
                f"{self._path} cannot be read ({error}): remove it, then `make accept`"
            ) from error

    def see(self, seen: Seen) -> None:
        """See Witness."""
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(seen)))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError as error:
            raise StoreUnavailableError(f"{self._path} cannot be written ({error}): look at its disk") from error


@dataclass(frozen=True)
class ValuesWitness:
    """Another witness; where it knows of nothing, the stored values tell how much of a journal they include."""

    other: Witness
    highest: Callable[[], int]
    """The highest position in any stored value, 0 where there is none."""

    def seen(self) -> Seen | None:
        """See Witness."""
        found = self.other.seen()
        return Seen("", self.highest()) if found is None else found

    def see(self, seen: Seen) -> None:
        """See Witness."""
        self.other.see(seen)

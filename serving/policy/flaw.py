"""What is wrong with a document: where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from features.errors import KairosError

Path = tuple[str | int, ...]
"""Keys and places that lead to a value of a JSON document."""


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path.

    >>> pointer(["channels", 0, "a/b"])
    '/channels/0/a~1b'
    """
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong."""

    pointer: str
    """JSON pointer into the document; empty for the whole of it."""
    sentence: str
    """Names the value and the remedy."""

    @staticmethod
    def at(path: Path, sentence: str) -> Flaw:
        """The flaw of the value that a path leads to."""
        return Flaw(pointer(path), sentence)


class DocumentError(KairosError):
    """A document that cannot be used, with everything that is wrong with it."""

    def __init__(self, name: str, flaws: Sequence[Flaw]) -> None:
        self.flaws = tuple(flaws)
        told = "; ".join(f"{flaw.pointer or 'the whole'}: {flaw.sentence}" for flaw in self.flaws[:3])
        more = f"; and {len(self.flaws) - 3} more" if len(self.flaws) > 3 else ""
        super().__init__(f"the document {name} cannot be used: {told}{more}")

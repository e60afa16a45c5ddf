"""Reasons as JSON: few parts are ever said, each very often, so one is looked up by what is read in it."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from serving.kernels.menu import SAID
from serving.language import Language
from serving.over_the_wire import written
from serving.reasons import opens, part

MOST = 8_192
"""Parts that are held at most."""
BYTES = 8 * SAID
"""That tell one."""


class Sentences:
    """Those about one catalogue. Threads may share it."""

    def __init__(self, words: Sequence[str]) -> None:
        """``words`` are the nouns by their numbers, see Nouns."""
        self._words = words
        self._held: dict[Language, dict[bytes, bytes]] = {}
        self._count = 0

    def told(self, given: bytes, language: Language) -> list[bytes]:
        """The list of reasons of each item but for its end, one after the other, part by part.

        ``given`` is what ``kernels.menu.give_reasons`` wrote of all of them.
        """
        held = self._held.get(language, _NOTHING).get
        keys = [given[at : at + BYTES] for at in range(0, len(given), BYTES)]
        return [held(key) or self._make(key, language) for key in keys]

    def _make(self, given: bytes, language: Language) -> bytes:
        """One that is not held yet."""
        if self._count >= MOST:
            self._held, self._count = {}, 0
        numbers = _GIVEN.unpack(given)
        text, begins, ends = part(self._words, numbers, language)
        before = (b'["' if opens(numbers) else b',"') if begins else b""
        found = b"%b%b%b" % (before, written(text)[1:-1], b'"' if ends else b"")
        self._held.setdefault(language, {})[given] = found
        self._count += 1
        return found


_GIVEN = Struct(f"={SAID}d")
_NOTHING: dict[bytes, bytes] = {}

"""Reasons as JSON: few are ever said, each very often, so what was said once is looked up by what is read in it."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from serving.kernels.menu import SAID
from serving.language import Language
from serving.over_the_wire import written
from serving.reasons import sentence

MOST = 8_192
"""Sentences that are held at most."""
BYTES = 8 * SAID
"""That tell one."""


class Sentences:
    """Those about one catalogue. Threads may share it."""

    def __init__(self, words: Sequence[str]) -> None:
        """``words`` are the nouns by their numbers, see Nouns."""
        self._words = words
        self._held: dict[Language, dict[bytes, bytes]] = {}
        self._count = 0

    def of(self, language: Language) -> dict[bytes, bytes]:
        """Those that were said in this language, by the bytes of what ``kernels.menu.give_reasons`` wrote of them."""
        if self._count > MOST:
            self._held, self._count = {}, 0
        return self._held.setdefault(language, {})

    def make(self, given: bytes, language: Language) -> bytes:
        """One that is not held yet."""
        found = written(sentence(self._words, _GIVEN.unpack(given), language))
        self.of(language)[given] = found
        self._count += 1
        return found


_GIVEN = Struct(f"={SAID}d")

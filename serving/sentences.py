"""Reasons as JSON: few parts are ever said, each very often, so one is looked up by what is read in it."""

from __future__ import annotations

from collections.abc import Sequence

from serving.kernels.letter import ALONE
from serving.kernels.menu import read_part
from serving.language import Language
from serving.over_the_wire import written
from serving.pieces import Pieces
from serving.reasons import part

MOST = 8_192
"""Parts that are held at most."""


class Sentences:
    """Those about one catalogue. Threads may share it."""

    def __init__(self, words: Sequence[str]) -> None:
        """``words`` are the nouns by their numbers, see Nouns."""
        self._words = words
        self._held: dict[Language, Pieces] = {}
        self._count = 0

    def of(self, language: Language) -> Pieces:
        """Those in one language, by what ``kernels.menu.give_reasons`` writes: what stands in the list of reasons of an
        item, but for its end."""
        held = self._held.get(language)
        return self._held.setdefault(language, Pieces(ALONE)) if held is None else held

    def make(self, given: int, language: Language) -> None:
        """One that is not held yet."""
        if self._count >= MOST:
            self._held, self._count = {}, 0
        self.of(language).add(given, [self._made(given, language)])
        self._count += 1

    def _made(self, given: int, language: Language) -> bytes:
        text, begins, ends = part(self._words, given, language)
        before = (b'["' if read_part(given)[0] else b',"') if begins else b""
        return b"%b%b%b" % (before, written(text)[1:-1], b'"' if ends else b"")

"""Reasons as JSON: few parts are ever said, each very often, so one is looked up by what is read in it."""

from __future__ import annotations

from collections.abc import Sequence

from serving.kernels.menu import read_part
from serving.language import Language
from serving.over_the_wire import written
from serving.reasons import part

MOST = 8_192
"""Parts that are held at most."""


class Sentences:
    """Those about one catalogue. Threads may share it."""

    def __init__(self, words: Sequence[str]) -> None:
        """``words`` are the nouns by their numbers, see Nouns."""
        self._words = words
        self._held: dict[Language, dict[int, bytes]] = {}
        self._count = 0

    def told(self, given: Sequence[int], language: Language) -> list[bytes]:
        """The list of reasons of each item but for its end, one after the other, part by part.

        ``given`` is what ``kernels.menu.give_reasons`` wrote of all of them.
        """
        held = self._held.get(language, _NOTHING).get
        return [held(each) or self._make(each, language) for each in given]

    def _make(self, given: int, language: Language) -> bytes:
        """One that is not held yet."""
        if self._count >= MOST:
            self._held, self._count = {}, 0
        text, begins, ends = part(self._words, given, language)
        before = (b'["' if read_part(given)[0] else b',"') if begins else b""
        found = b"%b%b%b" % (before, written(text)[1:-1], b'"' if ends else b"")
        self._held.setdefault(language, {})[given] = found
        self._count += 1
        return found


_NOTHING: dict[int, bytes] = {}

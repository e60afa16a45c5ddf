"""Sentences with blanks, from English into German: what filled a blank in the one fills it in the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

Words = Mapping[str, str]


@dataclass(frozen=True)
class Phrases:
    """Pairs of an English and a German sentence; blanks are names in braces, the same in both."""

    pairs: Sequence[tuple[str, str]]
    words: Mapping[str, Words]
    """What stands in a blank of this name, where it is a word of ours: a name of somebody's stays what it is."""

    @cached_property
    def _compiled(self) -> list[tuple[re.Pattern[str], str]]:
        return [(_pattern(english), german) for english, german in self.pairs]

    def german(self, sentence: str) -> str | None:
        """The sentence in German, None for one that is none of these."""
        for pattern, german in self._compiled:
            found = pattern.fullmatch(sentence)
            if found is not None:
                blanks = {name: self.words.get(name, {}).get(text, text) for name, text in found.groupdict().items()}
                return german.format(**blanks)
        return None


def _pattern(english: str) -> re.Pattern[str]:
    parts = (
        re.escape(text) + ("" if name is None else f"(?P<{name}>.+?)")
        for text, name, _, _ in Formatter().parse(english)
    )
    return re.compile("".join(parts), re.DOTALL)

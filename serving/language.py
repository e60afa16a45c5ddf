"""The languages in which Kairos explains itself."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """ISO 639-1."""

    EN = "en"
    DE = "de"

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and much is looked up by language


def told(language: Language, en: str, de: str) -> str:
    """The sentence in the language."""
    return de if language is Language.DE else en


def number(value: float, decimals: int, language: Language) -> str:
    """A number as people write it.

    >>> number(1234.5, 1, Language.DE)
    '1.234,5'
    """
    text = f"{value:,.{decimals}f}"
    return text.translate(_SWAPPED) if language is Language.DE else text


def percent(share: float, decimals: int, language: Language) -> str:
    """A share of 1 in percent.

    >>> percent(0.125, 1, Language.DE)
    '12,5 %'
    """
    return number(100 * share, decimals, language) + told(language, "%", " %")


_SWAPPED = str.maketrans(",.", ".,")

"""The languages in which Kairos explains itself."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """ISO 639-1."""

    EN = "en"
    DE = "de"

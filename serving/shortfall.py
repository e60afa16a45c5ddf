"""What the service has to do without, in a word for machines and a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Lack(StrEnum):
    """The word in an answer's ``fallback_reasons``."""

    STARTING = "starting"
    CATALOGUE_MISSING = "catalogue_missing"
    CATALOGUE_UNREADABLE = "catalogue_unreadable"
    OFFERS_UNREADABLE = "offers_unreadable"
    POLICY_UNREADABLE = "policy_unreadable"
    MODEL_MISSING = "model_missing"
    MODEL_UNREADABLE = "model_unreadable"
    MODEL_LACKS_KIND = "model_lacks_kind"
    STORE_UNAVAILABLE = "store_unavailable"
    STORE_SCHEMA = "store_schema"
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    CONTENDED = "contended"
    LATE = "late"
    LATE_FOR_ALL = "late_for_all"


FORBIDDING = frozenset({Lack.JOURNAL_UNAVAILABLE, Lack.CONTENDED, Lack.LATE_FOR_ALL})
"""Without these nothing may be offered."""
LASTING = FORBIDDING | {Lack.LATE}
"""What holds of a decision however often it is made again."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One thing that is missing, and what the answer does without it."""

    lack: Lack
    sentence: str


def distinct(*shortfalls: Shortfall) -> tuple[Shortfall, ...]:
    """The first of each lack."""
    return tuple({shortfall.lack: shortfall for shortfall in reversed(shortfalls)}.values())[::-1]

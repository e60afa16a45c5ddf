"""The journal of the settings, which is refused where it is not the one that was used before."""

from __future__ import annotations

from serving.journal import Journal, JournalUnavailableError
from serving.online import Online, online_of
from serving.settings import Settings


def name_of(journal: Journal) -> str | None:
    """What was drawn for the journal when it was begun; None where it cannot be read now."""
    try:
        return journal.name()
    except JournalUnavailableError:
        return None


def journal_of(settings: Settings, online: Online | None = None) -> Journal:
    """The journal of these settings; ``online`` is their online store, where it is at hand.

    Raises:
        KairosError: Redis is asked for, and its client is not installed.
    """
    witness = (online or online_of(settings)).witness
    return Journal(settings.journal_uri, settings.synchronous, settings.keep_raw, witness=witness)

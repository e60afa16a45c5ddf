"""What can go wrong with the journal."""

from features.errors import KairosError


class JournalError(KairosError):
    """The journal cannot be opened or is of another version than this build."""

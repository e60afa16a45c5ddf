"""What can go wrong with the journal."""

from features.errors import KairosError


class JournalError(KairosError):
    """The journal cannot be opened or is of another version than this build."""


class JournalUnavailableError(JournalError):
    """The journal cannot be read or written now: nothing may be offered, as nothing could be remembered of it."""


class ErasedMeanwhileError(JournalUnavailableError):
    """A decision cannot be kept, as its customer was erased while it was made."""

"""The journal of events, identities, consents and decisions; SQL stands here and nowhere else."""

from serving.journal.audit import Cause
from serving.journal.errors import JournalError, JournalUnavailableError
from serving.journal.journal import Journal
from serving.journal.record import Record

__all__ = ["Cause", "Journal", "JournalError", "JournalUnavailableError", "Record"]

"""The journal of events, identities, consents and decisions; SQL stands here and nowhere else."""

from serving.journal.audit import Cause
from serving.journal.decisions import Record
from serving.journal.errors import JournalError, JournalUnavailableError
from serving.journal.journal import Journal

__all__ = ["Cause", "Journal", "JournalError", "JournalUnavailableError", "Record"]

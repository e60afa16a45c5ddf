"""The journal of events, identities, consents and decisions; SQL stands here and nowhere else."""

from serving.journal.audit import Cause
from serving.journal.errors import JournalError
from serving.journal.journal import Journal

__all__ = ["Cause", "Journal", "JournalError"]

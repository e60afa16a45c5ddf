"""Keeps in the journal every catalogue and document that comes into force: the grounds of decisions are not lost."""

from __future__ import annotations

from dataclasses import dataclass

from features.clock import Clock
from serving.journal import Journal, JournalUnavailableError
from serving.journal.documents import Version, keep_version, versions
from serving.journal.transaction import Transaction
from serving.listing import Listed
from serving.policy.document import Name

CATALOGUE = "catalogue"
"""Name under which the catalogue in force is kept: the imported one with the document of offers laid over it."""
BY_HAND = "file"
"""Who is said to have brought what was found in a file."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The versions in one journal."""

    journal: Journal
    clock: Clock

    def keep(self, listed: Listed) -> bool:
        """Remember what comes into force; False where the journal cannot be used now."""
        at = self.clock.now()
        found = [Version(name, document.fingerprint, document.text, at, BY_HAND) for name, document in listed.documents]
        if listed.catalogue is not None:
            found.append(Version(CATALOGUE, listed.catalogue.fingerprint, listed.catalogue.to_json(), at, BY_HAND))

        def write(transaction: Transaction) -> None:
            transaction.take_turn()
            for version in found:
                keep_version(transaction.connection, version)

        try:
            self.journal.write(write)
        except JournalUnavailableError:
            return False
        return True

    def remembered(self, name: Name) -> str | None:
        """The text of the version of a document that came into force last; None where there is none to be had."""
        try:
            with self.journal.reading() as connection:
                found = versions(connection, name)
        except JournalUnavailableError:
            return None
        return found[0][1].body if found else None

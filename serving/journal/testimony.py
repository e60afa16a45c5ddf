"""Holds a journal against what was seen of the one used before, so that no other is taken for it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from serving.journal.errors import JournalUnavailableError
from serving.store import StoreUnavailableError
from serving.witness import Seen, Witness

REMEDY = "put the right one back, or go on with what is there by `make accept`: objections and contacts may be missing"


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a witness says of the journal at an address; without a witness anything is believed."""

    where: str
    witness: Witness | None

    def heard(self, begun: bool) -> Seen | None:
        """What was seen, to be asked before the journal is opened: that makes an empty one where none is.

        Raises:
            JournalUnavailableError: There was a journal, or there may have been, and none is begun.
        """
        if self.witness is None:
            return None
        try:
            seen = self.witness.seen()
        except StoreUnavailableError as error:
            if begun:
                return None
            raise JournalUnavailableError(
                f"the journal {self.where} is missing, and whether there was one cannot be told: {error}"
            ) from error
        if seen is not None and seen.position > 0 and not begun:
            raise JournalUnavailableError(
                f"the journal {self.where} is missing, though {seen.position:,} positions of it were used: {REMEDY}"
            )
        return seen

    def check(self, seen: Seen | None, found: Seen) -> None:
        """Compare what was seen with what is there.

        Raises:
            JournalUnavailableError: It is another journal, or an older copy.
        """
        if seen is None or seen.position == 0:
            return
        if seen.name not in ("", found.name):
            raise JournalUnavailableError(f"the journal {self.where} is not the one that was used before: {REMEDY}")
        if found.position < seen.position:
            raise JournalUnavailableError(
                f"the journal {self.where} ends at position {found.position:,}, though {seen.position:,} was used: "
                f"it is empty or an older copy; {REMEDY}"
            )

    def tell(self, found: Seen) -> None:
        """Let the witness know. What cannot be told now is told later: it says how far the journal is at least."""
        if self.witness is not None and found.position > 0:
            with suppress(StoreUnavailableError):
                self.witness.see(found)

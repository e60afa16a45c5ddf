"""One write of the journal's that waits for its turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serving.journal.record import Row
from serving.journal.transaction import Transaction
from serving.later import Later

Explain = Callable[[BaseException], BaseException]
"""What to raise where something else was raised."""


def unchanged(error: BaseException) -> BaseException:
    """What was raised."""
    return error


class Waiting(Later[Any]):
    """One write on its way; it comes when it is durable."""

    __slots__ = ("_explain", "_write", "_written", "erases", "erasures", "error", "row")

    def __init__(
        self,
        explain: Explain,
        write: Callable[[Transaction], Any],
        erases: bool = False,
        row: Row | None = None,
        written: Any = None,
        erasures: int | None = None,
    ) -> None:
        """What runs in a transaction and gives the result.

        Or a decision to keep, and the result, where not more than ``erasures`` customers were erased by then; None:
        however many were.
        """
        super().__init__()
        self._explain, self._write, self._written = explain, write, written
        self.erases = erases
        """Whether it erases a customer."""
        self.row = row
        """A decision with which nothing else is changed."""
        self.erasures = erasures
        self.error: BaseException | None = None

    def run(self, transaction: Transaction) -> None:
        """Write it."""
        if self.row is not None and (self.erasures == transaction.erasures or self.erasures is None):
            transaction.keep(self.row)
        else:
            self._written = self._write(transaction)

    def run_apart(self, transaction: Transaction) -> None:
        """Write it, or have it undone alone where it fails."""
        transaction.begin(self.fail)
        try:
            self.run(transaction)
        except Exception as error:
            self.error = error
            try:
                transaction.undo()
            except Exception:  # there is no transaction any more, so nothing of the group will be written
                raise error from None
        else:
            transaction.end()

    def fail(self, error: BaseException) -> None:
        """What was written in its name could not be."""
        self.error = error

    def tell(self) -> None:
        """Let whoever waits know, now that it is durable or has failed."""
        if self.error is None:
            self.set_result(self._written)
        else:
            self.set_exception(self._explain(self.error))

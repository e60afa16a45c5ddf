"""Takes events in: read, journalled, and part of the customers' features before the answer is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from features.clock import Clock
from serving.attribution import Attribution
from serving.events.arrival import Arrival, Receipt, RefusedError, Status
from serving.events.body import Reading, arrivals
from serving.journal import Cause
from serving.projection import Projection

_WORST = (Status.ACCEPTED, Status.DUPLICATE, Status.REFUSED)


@dataclass(frozen=True)
class Intake:
    """The way in for everything that happened."""

    projection: Projection
    clock: Clock
    reading: Callable[[], Reading]
    attribution: Attribution

    def accept(self, items: Sequence[object], by: str) -> list[Receipt]:
        """The answer to each item, in their order. What is accepted is durable and counted when this returns.

        Args:
            items: JSON values, each in any of the forms of events.
            by: Who sent them, for the audit.

        Raises:
            JournalUnavailableError: Nothing of this call can be relied on; send it again.
        """
        now, reading = self.clock.now(), self.reading()
        read = [self._read(item, reading) for item in items]
        fresh = [arrival for each in read if not isinstance(each, Receipt) for arrival in each]
        if not fresh:
            return [each for each in read if isinstance(each, Receipt)]
        erasures = self.projection.journal.erasures
        taken = self.projection.journal.take_in(fresh, Cause(now, by, "event"))
        self.projection.settle(taken.touched, taken.news, erasures)
        rest = map(self._remarked, fresh, taken.receipts)
        return [each if isinstance(each, Receipt) else _together([next(rest) for _ in each]) for each in read]

    def _remarked(self, arrival: Arrival, receipt: Receipt) -> Receipt:
        remark = self.attribution.remark(arrival) if receipt.status is not Status.REFUSED else None
        return receipt if remark is None else replace(receipt, notes=(*receipt.notes, remark))

    def _read(self, item: object, reading: Reading) -> tuple[Arrival, ...] | Receipt:
        try:
            return arrivals(item, self.clock.now(), reading)
        except RefusedError as error:
            return Receipt(Status.REFUSED, *_told(item), code=error.code, why=error.why)


def _together(receipts: list[Receipt]) -> Receipt:
    """One answer for an item that was several events: accepted where any of them was."""
    first = min(receipts, key=lambda each: _WORST.index(each.status))
    return replace(first, notes=tuple(note for each in receipts for note in each.notes))


def _told(item: object) -> tuple[str | None, str | None]:
    """The source and id of an item that could not be read, as far as it has any."""
    if not isinstance(item, dict):
        return None, None
    found = (item.get("source"), item.get("event_id", item.get("id", item.get("messageId"))))
    source, event_id = (str(each)[:128] if isinstance(each, str | int) else None for each in found)
    return source, event_id

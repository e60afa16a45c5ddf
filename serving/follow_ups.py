"""Hands out follow-ups: what went out is taken up again when it is due, unless something has happened since."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from features.clock import Clock
from features.domain import DAY, DecisionId, Instant, Kind
from features.instant import format_instant
from serving import api
from serving.answer_api import Answer, read_answer
from serving.contact_api import FollowUpAnswer, FollowUps
from serving.equipment import Equipment
from serving.journal import Journal, JournalUnavailableError
from serving.journal.follow_ups import Due, cancel, claim, decided, due, happened_since
from serving.journal.timeline import Entry
from serving.problem import RefusalError

PAGE = 100
"""Follow-ups of one answer."""
LATE_DAYS = 7
"""A reminder that comes later than this reminds of nothing, and is not made."""


@dataclass(frozen=True)
class FollowUpDesk:
    """Has follow-ups decided, each once, whoever asks and however often."""

    journal: Journal
    clock: Clock
    equipment: Callable[[], Equipment]
    decide: Callable[[api.DecisionRequest], Answer]

    def hand_out(self, until: Instant | None, cursor: str | None) -> FollowUps:
        """Follow-ups due by ``until`` (None: now) with their decisions; those that lie ahead without.

        What was decided and offers nothing is handed out once; a message is until its contact is confirmed, released or
        has expired.

        Raises:
            RefusalError: 422 for a cursor that is none, 503 without the journal.
        """
        now = self.clock.now()
        after = None if cursor is None else _key(cursor)
        try:
            with self.journal.reading() as connection:
                page = due(connection, Instant(now - LATE_DAYS * DAY), until or now, now, after, PAGE)
            found = list(self._answers(page, now))
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", f"{error}.".capitalize()) from error
        return FollowUps(follow_ups=found, cursor=_cursor(page[-1]) if len(page) == PAGE else None)

    def _answers(self, page: list[Due], now: Instant) -> Iterator[FollowUpAnswer]:
        for each in page:
            if self._cancelled(each):
                continue
            if each.at > now:
                yield _answer(each, None)
            elif (found := self._decision(each, now)) is not None:
                yield _answer(each, found)

    def _cancelled(self, each: Due) -> bool:
        """True where something has happened; a reservation that was made for it is given back then."""
        with self.journal.reading() as connection:
            why = overtaken(happened_since(connection, each), each, self.equipment())
        if why is not None:
            self.journal.write(lambda t: cancel(t, each, why, self.clock.now()))
        return why is not None

    def _decision(self, each: Due, now: Instant) -> Answer | None:
        """The decision, made now where there is none; None where another one is at it, or it cannot be made."""
        if each.decision_id is not None:
            record = self.journal.decision(each.decision_id)
            return None if record is None else read_answer(record.answer)
        if not self.journal.write(lambda t: claim(t, each, now)):
            return None
        asked = {"customer_id": each.customer_id, "offer_id": each.offer_id, "channels": [each.channel], "limit": 1}
        try:
            found = self.decide(api.DecisionRequest.model_validate(asked))
        except RefusalError as error:
            why = error.code
            self.journal.write(lambda t: cancel(t, each, why, now))
            return None
        if found.recorded:
            self.journal.write(lambda t: decided(t, each, DecisionId(found.decision_id)))
        return found


def overtaken(happened: Sequence[Entry], each: Due, equipment: Equipment) -> str | None:
    """What cancels the follow-up of that which happened since, and when it did; None where nothing does."""
    event = next((event for event in happened if _concerns(event, each, equipment)), None)
    return None if event is None else f"{event.kind} {format_instant(event.occurred_at)}"


def _concerns(event: Entry, each: Due, equipment: Equipment) -> bool:
    """True for an event about the offer, or for the purchase that the offer is for."""
    if event.offer_id is not None:
        return event.offer_id == each.offer_id
    if event.decision_id is not None:
        return event.decision_id == each.followed
    offer = equipment.catalogue.offer.get(each.offer_id)
    return event.kind == Kind.PURCHASED and (offer is None or offer.buys in (None, event.category))


def _answer(each: Due, decision: Answer | None) -> FollowUpAnswer:
    return FollowUpAnswer(
        contact_id=each.contact_id,
        customer_id=each.customer_id,
        offer_id=each.offer_id,
        channel=each.channel,
        due_at=format_instant(each.at),
        decision=decision,
    )


def _cursor(each: Due) -> str:
    return base64.urlsafe_b64encode(json.dumps(each.key).encode()).decode()


def _key(cursor: str) -> tuple[int, str, int]:
    try:
        at, contact_id, place = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return int(at), str(contact_id), int(place)
    except (ValueError, TypeError):
        raise RefusalError(422, "wrong_cursor", "Send the cursor of the page before, or none.") from None

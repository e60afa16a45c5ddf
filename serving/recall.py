"""A past decision by its id: what it rested on, what came of it, and whether it would be the same again."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from features.domain import DecisionId
from features.instant import format_instant
from serving import basis
from serving import recall_api as api
from serving.answer_api import Answer, read_answer
from serving.attribution import Came
from serving.journal import Journal, JournalUnavailableError, Record
from serving.journal.contacts import find
from serving.ledger.contact import ContactId
from serving.problem import RefusalError
from serving.replay import NotKeptError, Replay
from serving.wire import funnel, outcome


@dataclass(frozen=True)
class Recall:
    """Looks decisions up in the journal."""

    journal: Journal
    replays: Replay
    came_of: Callable[[DecisionId], list[Came]] = lambda _: []

    def decided(self, decision_id: str) -> api.RecordedDecision:
        """A recorded decision with the vectors of its items and what came of it.

        Raises:
            RefusalError: There is no such decision or it was erased, or the journal cannot be read.
        """
        record = self._record(decision_id)
        given = _given(record)
        try:
            came, contacts = self.came_of(record.decision_id), self._contacts(given)
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", str(error)) from error
        return api.RecordedDecision(
            decision_id=record.decision_id,
            intact=record.intact,
            request=json.loads(record.request),
            answer=given,
            rests_on=_rests_on(record),
            vectors=[_vector(record, item.offer_id, item.channel) for item in given.items],
            contacts=contacts,
            outcomes=[outcome(each) for each in came],
        )

    def replay(self, decision_id: str) -> api.Replayed:
        """The decision, made again and held against what was kept of it.

        Raises:
            RefusalError: As ``decided``; 409 where something it was made with is not kept any more.
        """
        record = self._record(decision_id)
        try:
            verdict = self.replays.replay(record)
        except NotKeptError as error:
            raise RefusalError(409, "not_replayable", f"{error}.".capitalize()) from error
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", str(error)) from error
        return api.Replayed(
            decision_id=record.decision_id,
            identical=verdict.identical,
            intact=verdict.intact,
            differences=list(verdict.differences),
            versions=_given(record).versions,
            funnel=None if verdict.decision is None else funnel(verdict.decision),
        )

    def _record(self, decision_id: str) -> Record:
        asked = DecisionId(decision_id)
        try:
            record = self.journal.decision(asked)
            erased = record is None and self.journal.erased(asked)
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", str(error)) from error
        except ValueError as error:
            raise _damaged() from error
        if erased:
            raise RefusalError(410, "decision_erased", "This decision was erased with its customer.")
        if record is None:
            raise RefusalError(404, "decision_not_found", f"There is no decision {decision_id!r}.")
        return record

    def _contacts(self, given: Answer) -> list[api.ContactNow]:
        granted = dict.fromkeys(item.contact_id for item in given.items if item.contact_id is not None)
        with self.journal.reading() as connection:
            found = [find(connection, ContactId(contact_id)) for contact_id in granted]
        return [
            api.ContactNow(
                contact_id=held.contact.contact_id,
                channel=held.contact.channel,
                moment=format_instant(held.contact.moment),
                standing=held.contact.standing.value,
            )
            for held in found
            if held is not None
        ]


def _given(record: Record) -> Answer:
    try:
        return read_answer(record.answer)
    except ValueError as error:
        raise _damaged() from error


def _damaged() -> RefusalError:
    detail = "The record was changed after it was kept, and its answer cannot be read any more."
    return RefusalError(409, "record_damaged", detail)


def _rests_on(record: Record) -> dict[str, Any] | None:
    """JSON values; None where the oldest builds made the decision, or the record was changed."""
    try:
        found: dict[str, Any] | None = msgspec.to_builtins(basis.from_bytes(record.basis)) if record.basis else None
    except ValueError:
        return None
    return found


def _vector(record: Record, offer_id: str, channel: str) -> api.Vector:
    row = record.matrix[record.pairs.index((offer_id, channel))].tolist()
    known = {name: None if math.isnan(value) else value for name, value in zip(record.names, row, strict=True)}
    return api.Vector(offer_id=offer_id, channel=channel, features=known)

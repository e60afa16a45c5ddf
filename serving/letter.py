"""An answer as it goes out: its text, put together from what was written before and the little that is new in it.

What is out of the ordinary is written from its description, see ``wire``: both write the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from features.instant import format_instant
from serving.answer_api import Answer, Silence, read_answer
from serving.blanks import FORM, Blanks, sent_with, unreached
from serving.caveats import caveats
from serving.decision import Decision, Versions
from serving.equipment import Equipment, Named
from serving.figures import GAP
from serving.grant import Grant
from serving.kernels.letter import LARGE, NARROW, UNKNOWN, write_letter
from serving.latest import Latest
from serving.menu import Menu
from serving.over_the_wire import written
from serving.sentences import Sentences
from serving.wire import MOST_TOPICS, counts, told_versions, topic
from serving.wording import Reader

_TIMINGS = b'"timings_ms":'
"""The last field of an answer."""


class Letter:
    """The answer to one request."""

    def __init__(self, front: bytes, timings_ms: dict[str, float]) -> None:
        """``front`` is everything before the timings."""
        self._front, self._timings = front, timings_ms
        self._text: bytes | None = None

    @staticmethod
    def of(answer: Answer) -> Letter:
        """The same as text."""
        text = written(answer)
        return Letter(text[: text.rindex(_TIMINGS) + len(_TIMINGS)], answer.timings_ms)

    def timed(self, timings_ms: dict[str, float]) -> Letter:
        """The same with other timings."""
        return Letter(self._front, timings_ms)

    @property
    def text(self) -> bytes:
        """JSON."""
        if self._text is None:  # a property that is cached takes a lock
            self._text = b"%b%b}" % (self._front, written(self._timings))
        return self._text

    @cached_property
    def answer(self) -> Answer:
        """What stands in it."""
        return read_answer(self.text)


_BLANKS = Latest(Blanks)
_Filled: Any = msgspec.defstruct("_Filled", [(name, Any) for name in Answer.__struct_fields__], gc=False)
"""An answer whose parts are written already."""
_SENTENCES = Latest(Sentences)
_LISTED = Raw(b"[%b]" % GAP)
"""A list that is still to be filled in."""
_ROOM = 1 << 15
"""Room for an answer, at first, in bytes."""


def letter(
    decision: Decision,
    equipment: Equipment,
    timings_ms: dict[str, float],
    warnings: Sequence[str] = (),
    name: str | None = None,
) -> Letter | None:
    """The answer to a request that is recorded and wants neither placements nor an explanation.

    ``warnings`` are those of the request, ``name`` is the customer's. None where a number is too large for it.
    """
    ask, catalogue, silence, menu = decision.ask, equipment.catalogue, decision.silence, decision.menu
    blanks, reader = _BLANKS.of(catalogue), Reader(decision.known.zone, menu.language, name)
    texts = written(
        _Filled(
            ask.decision_id,
            ask.customer_id,
            decision.kind,
            format_instant(ask.at),
            format_instant(decision.valid_until),
            catalogue.currency,
            _LISTED,
            (),
            Silence(silence.score, silence.wins, silence.reason, silence.probability),
            decision.preferred_channel,
            decision.declared,
            decision.draw.group.value,
            decision.circumstances.attempt + 1,
            _channels(menu) if menu.unreached else _LISTED,
            [topic(intent, ask.language) for intent in decision.intents[:MOST_TOPICS]] if decision.intents else (),
            counts(decision),
            None,
            decision.cold_start,
            not decision.by_popularity,
            bool(decision.shortfalls),
            [shortfall.lack.value for shortfall in decision.shortfalls] if decision.shortfalls else (),
            (*caveats(decision, equipment), *warnings),
            blanks.limits[ask.language],
            True,
            _VERSIONS.of(decision.versions),
            {},
        )
    )
    own = _own(menu, decision.grant, blanks, equipment.addressing, reader)
    unvalued = decision.by_popularity or decision.judged.chances.organic is None
    text = _set(menu, texts[: -len(b"{}}")], own, unvalued, blanks, reader)
    return None if text is None else Letter(text, timings_ms)


def _channels(menu: Menu) -> Raw:
    """The list of channels with a gap for those that can be reached."""
    reached = b"," if len(menu.rows) > len(menu.moments) else b""
    return Raw(b"[%b%b%b]" % (GAP, reached, b",".join(map(unreached, menu.unreached))))


def _versions(versions: Versions) -> Raw:
    return Raw(written(told_versions(versions)))


_VERSIONS = Latest(_versions)


def _set(
    menu: Menu, texts: bytes, own: Sequence[bytes], unvalued: bool, blanks: Blanks, reader: Reader
) -> bytes | None:
    """The answer with its items and channels filled in; None where a number is too large.

    Args:
        menu: What is offered.
        texts: The answer, with a gap for items and one for channels.
        own: What stands in items of this answer alone: see ``write_letter``.
        unvalued: True where the value of items is left out: what would be bought anyway is part of it.
        blanks: Those of the catalogue.
        reader: Who reads it.
    """
    n, language, sentences = len(menu.moments), reader.language, _SENTENCES.of(menu.shelf.nouns.words)
    given = np.frombuffer(GAP.join((texts, *own, b"")), dtype=np.uint8)
    each, room = len(own) // n if n else 0, _ROOM
    while True:
        whole, parts, out = blanks.of(reader).tables, sentences.of(language).tables, np.empty(room, dtype=np.uint8)
        end = write_letter(
            given,
            len(texts) + 1,
            each,
            menu.figures,
            menu.told,
            n,
            len(menu.rows) - n,
            unvalued,
            FORM,
            whole.addresses,
            parts.addresses,
            out,
        )
        if end >= 0:
            return out[:end].tobytes()
        if end == LARGE:
            return None
        if end == NARROW:
            room *= 2
        elif (missing := UNKNOWN - end) < len(menu.rows):
            row = menu.rows[missing]
            blanks.make(row, menu.shelf.pairs[row], reader)
        else:
            sentences.make(int(menu.told[missing]), language)


def _own(menu: Menu, grant: Grant, blanks: Blanks, personal: frozenset[Named], reader: Reader) -> Sequence[bytes]:
    """What stands in items of this answer alone, see ``write_letter``; ``personal`` calls the customer by name."""
    chances = written(menu.probabilities)[1:-1].split(b",") if menu.moments else ()
    named = menu.named if personal else ()
    if not any(menu.messages) and (not personal or personal.isdisjoint(named)):
        return chances
    expires = {each.contact_id: format_instant(each.expires_at) for each in grant.contacts}
    return [
        piece
        for row, contact_id, chance in zip(menu.rows, menu.messages, chances, strict=False)
        for piece in (
            chance,
            b"" if contact_id is None else sent_with(contact_id, expires.get(contact_id), False),
            blanks.said(menu.shelf.pairs[row], reader) if menu.shelf.named[row] in personal else b"",
        )
    ]

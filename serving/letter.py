"""An answer as it goes out: its text, put together from what was written before and the little that is new in it.

What is out of the ordinary is written from its description, see ``wire``: both write the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import nan
from typing import Any

import msgspec
from msgspec import Raw

from features.instant import format_instant
from serving.answer_api import Answer, Silence, read_answer
from serving.blanks import FIGURES, RANK, Blanks, sent_with, unreached
from serving.caveats import caveats
from serving.decision import Decision, Versions
from serving.equipment import Equipment
from serving.figures import GAP
from serving.grant import Grant
from serving.kernels.menu import WIDTH
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
    ask, catalogue, silence = decision.ask, equipment.catalogue, decision.silence
    blanks = _BLANKS.of(catalogue)
    menu = decision.menu
    reader = Reader(decision.known.zone, menu.language, name)
    figures = _figures(menu, decision.by_popularity or decision.judged.chances.organic is None)
    if figures is None:
        return None
    text = written(
        _Filled(
            ask.decision_id,
            ask.customer_id,
            decision.kind,
            format_instant(ask.at),
            format_instant(decision.valid_until),
            catalogue.currency,
            Raw(_items(menu, decision.grant, figures, blanks, reader)),
            (),
            Silence(silence.score, silence.wins, silence.reason, silence.probability),
            decision.preferred_channel,
            decision.declared,
            decision.draw.group.value,
            decision.circumstances.attempt + 1,
            Raw(_channels(menu, figures[len(menu) :], blanks, reader)),
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
            _versions(decision.versions),
            {},
        )
    )
    return Letter(text[: -len(b"{}}")], timings_ms)


@lru_cache(maxsize=16)
def _versions(versions: Versions) -> Raw:
    return Raw(written(told_versions(versions)))


@lru_cache(maxsize=64)
def _ranks(items: int) -> tuple[bytes, ...]:
    return tuple(b"%b%b%d" % (b"," if rank > 1 else b"", RANK, rank) for rank in range(1, items + 1))


def _figures(menu: Menu, unvalued: bool) -> list[bytes] | None:
    """Those of each item, then of the best of each channel; None where a number is too large.

    The value of items is left out where they are ``unvalued``: what would be bought anyway is part of it.
    """
    shown, n = menu.figures, len(menu)
    if unvalued:
        shown = shown.copy()
        shown[1 : n * WIDTH : WIDTH] = nan
    return FIGURES.rows(shown, (n, len(menu.rows) - n))


def _items(menu: Menu, grant: Grant, figures: list[bytes], blanks: Blanks, reader: Reader) -> bytes:
    """All items as one list."""
    held, moments = blanks.of(reader), dict[int, bytes]()
    said, start = _SENTENCES.of(menu.shelf.nouns.words).told(menu.given, reader.language), 0
    chances = written(menu.probabilities)[1:-1].split(b",")
    expires = {each.contact_id: format_instant(each.expires_at) for each in grant.contacts} if grant.contacts else {}
    pieces = [b"["]
    for rank, row, moment, contact_id, chance, count, figure in zip(
        _ranks(len(menu)), menu.rows, menu.moments, menu.messages, chances, menu.counts, figures, strict=False
    ):
        when = moments.get(moment)
        if when is None:
            when = moments[moment] = written(format_instant(moment))
        head, tail, unsent, _, _ = held.get(row) or blanks.make(row, menu.shelf.pairs[row], reader)
        pieces += (
            rank,
            head,
            when,
            unsent if contact_id is None else sent_with(contact_id, expires.get(contact_id), False),
            chance,
            figure,
            *said[start : start + count],
            tail or blanks.said(menu.shelf.pairs[row], reader),
        )
        start += count
    pieces.append(b"]")
    return b"".join(pieces)


def _channels(menu: Menu, figures: list[bytes], blanks: Blanks, reader: Reader) -> bytes:
    """All channels as one list."""
    held, found = blanks.of(reader), []
    for row, figure in zip(menu.rows[len(menu) :], figures, strict=True):
        blank = held.get(row) or blanks.make(row, menu.shelf.pairs[row], reader)
        found.append(blank.best + figure.replace(GAP, blank.offered))
    return b"[%b]" % b",".join((*found, *map(unreached, menu.unreached)))

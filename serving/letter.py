"""An answer as it goes out: its text, put together from what was written before and the little that is new in it.

What is out of the ordinary is written from its description, see ``wire``: both write the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import nan
from typing import Any

import msgspec
from msgspec import Raw

from features.instant import format_instant
from serving import answer_api
from serving.answer_api import Answer, read_answer
from serving.blanks import (
    ALTERNATIVE,
    CHANCE,
    CONTACT,
    ITEM_FIGURES,
    MONEY_DIGITS,
    PROBABILITY_DIGITS,
    RANK,
    UNTIL,
    Blanks,
)
from serving.caveats import caveats
from serving.decision import Decision, Versions
from serving.equipment import Equipment
from serving.figures import Figures, words_of
from serving.findings import WIDTH
from serving.latest import Latest
from serving.over_the_wire import written
from serving.ranking import ChannelScore
from serving.wire import MOST_TOPICS, counts, told_versions, topic
from serving.wording import Reader

_TIMINGS = b'"timings_ms":'
"""The last field of an answer."""


class Letter:
    """The answer to one request."""

    def __init__(self, front: bytes, timings_ms: dict[str, float]) -> None:
        """``front`` is everything before the timings."""
        self._front, self._timings = front, timings_ms

    @staticmethod
    def of(answer: Answer) -> Letter:
        """The same as text."""
        text = written(answer)
        return Letter(text[: text.rindex(_TIMINGS) + len(_TIMINGS)], answer.timings_ms)

    def timed(self, timings_ms: dict[str, float]) -> Letter:
        """The same with other timings."""
        return Letter(self._front, timings_ms)

    @cached_property
    def text(self) -> bytes:
        """JSON."""
        return b"%b%b}" % (self._front, written(self._timings))

    @cached_property
    def answer(self) -> Answer:
        """What stands in it."""
        return read_answer(self.text)


_BLANKS = Latest(Blanks)
_Filled: Any = msgspec.defstruct("_Filled", [(name, Any) for name in Answer.__struct_fields__], gc=False)
"""An answer whose parts are written already."""
_CHANNEL, _SCORE, _OFFER, _NOTICED, _END = words_of(answer_api.ChannelScore)
_GAP = b"\0"
_CHANNEL_FIGURES = Figures([_SCORE, _OFFER + _GAP + _NOTICED, _END], [MONEY_DIGITS, PROBABILITY_DIGITS])
_UNREACHED = b"".join((_SCORE, b"null", _OFFER, b"null", _NOTICED, b"null", _END))


def letter(
    decision: Decision,
    equipment: Equipment,
    numbers: array[float],
    timings_ms: dict[str, float],
    warnings: Sequence[str] = (),
    name: str | None = None,
) -> Letter | None:
    """The answer to a request that is recorded and wants neither placements nor an explanation.

    ``numbers`` are those of ``numbers_of``, ``warnings`` those of the request, ``name`` is the customer's. None where a
    number is too large for it.
    """
    ask, catalogue, silence = decision.ask, equipment.catalogue, decision.silence
    blanks = _BLANKS.of(catalogue)
    reader = Reader(decision.known.zone, ask.language, name)
    items, channels = _items(decision, numbers, blanks, reader), _channels(decision.channels)
    if items is None or channels is None:
        return None
    text = written(
        _Filled(
            ask.decision_id,
            ask.customer_id,
            decision.kind,
            format_instant(ask.at),
            format_instant(decision.valid_until),
            catalogue.currency,
            Raw(items),
            (),
            answer_api.Silence(silence.score, silence.wins, silence.reason, silence.probability),
            decision.preferred_channel,
            decision.declared,
            decision.draw.group.value,
            decision.circumstances.attempt + 1,
            Raw(channels),
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


def _middle(contact_id: str | None, until: str | None, alternative: bool) -> bytes:
    """From behind the moment to before the probability; ``until`` is when the message's reservation expires."""
    contact_id = None if until is None else contact_id
    return b"".join((CONTACT, written(contact_id), UNTIL, written(until), ALTERNATIVE, written(alternative), CHANCE))


_NO_MESSAGE = {alternative: _middle(None, None, alternative) for alternative in (False, True)}


def _items(decision: Decision, numbers: array[float], blanks: Blanks, reader: Reader) -> bytes | None:
    """All items as one list. Their value is left out where what would be bought anyway is part of it."""
    if not decision.items:
        return b"[]"
    if decision.by_popularity or decision.items[0].scored.organic is None:
        numbers = numbers[:]
        numbers[1::WIDTH] = array("d", [nan] * len(decision.items))
    figures = ITEM_FIGURES.rows(numbers)
    if figures is None:
        return None
    chances = written([item.probability for item in decision.items])[1:-1].split(b",")
    expires = {each.contact_id: format_instant(each.expires_at) for each in decision.grant.contacts}
    held, moments = blanks.of(reader), dict[int, bytes]()
    pieces = [b"["]
    for rank, item, chance, row in zip(_ranks(len(figures)), decision.items, chances, figures, strict=True):
        scored, _, contact_id, _, _, reasons = item
        pair, moment = scored.pair, scored.moment
        when = moments.get(moment)
        if when is None:
            when = moments[moment] = written(format_instant(moment))
        blank = held.get((pair.offer.offer_id, pair.channel.name)) or blanks.make(pair, reader)
        told = (
            _NO_MESSAGE[blank.interrupts] if contact_id is None else _middle(contact_id, expires.get(contact_id), False)
        )
        said = blank.tail or blanks.said(pair.offer, pair.channel.name, reader)
        pieces += (rank, blank.head, when, told, chance, row, written(reasons), said)
    pieces.append(b"]")
    return b"".join(pieces)


def _channels(channels: Sequence[ChannelScore]) -> bytes | None:
    """All channels as one list."""
    best = [each.best for each in channels if each.best is not None]
    numbers = array("d")
    for each in best:
        numbers.extend((each.score, nan if each.noticed is None else each.noticed))
    figures = _CHANNEL_FIGURES.rows(numbers)
    if figures is None:
        return None
    rows, found = iter(figures), []
    for channel, scored in channels:
        told = _UNREACHED if scored is None else next(rows).replace(_GAP, written(scored.pair.offer.offer_id))
        found.append(_CHANNEL + written(channel) + told)
    return b"[%b]" % b",".join(found)

"""What never changes of an answer, as JSON: of each offer on each channel, and of the catalogue's limits."""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Raw

from features.catalogue import Catalogue
from features.domain import Importance
from serving import answer_api, item_api
from serving.figures import GAP, Figures, Table, gap, words_of
from serving.german_notes import limit
from serving.language import Language
from serving.money import interrupts
from serving.over_the_wire import written
from serving.pairs import Pair
from serving.wording import Reader, addresses, say

MONEY_DIGITS, PROBABILITY_DIGITS, EVIDENCE_DIGITS = 4, 6, 2
"""Decimals on the wire; the record keeps the exact numbers."""
IMPORTANCE: dict[Importance, Any] = {each: each.value for each in Importance}
MOST = 5_000
"""Blanks that are held at most: an offer may be worded otherwise for each zone."""

_PARTS = (item_api.Components, item_api.Probabilities, item_api.Evidence)
_WORDS = words_of(
    item_api.Item,
    components=gap(item_api.Components),
    probabilities=gap(item_api.Probabilities),
    evidence=gap(item_api.Evidence),
)
_FIRST = item_api.Item.__struct_fields__.index("score_minor")
_NUMBERS = 2 + sum(len(part.__struct_fields__) for part in _PARTS)
_AFTER = _FIRST + _NUMBERS
RANK, (OFFER, NAME, CATEGORY, CHANNEL, KIND, MOMENT, CONTACT, UNTIL, ALTERNATIVE, CHANCE) = _WORDS[0], _WORDS[1:_FIRST]
"""What stands before the values of an item up to its probability."""
REASONS, WORDING, TAKEN_APART, END = _WORDS[_AFTER:]
"""What stands before the values behind its numbers, and after the last."""
_BEST, _SCORE, _OFFER, _NOTICED, _LAST = words_of(answer_api.ChannelScore)
FIGURES = Figures(
    Table(
        [*_WORDS[_FIRST:_AFTER], REASONS],
        [*[MONEY_DIGITS] * 10, *[PROBABILITY_DIGITS] * 4, *[EVIDENCE_DIGITS] * 2],
    ),
    Table([b"", GAP, _LAST], [MONEY_DIGITS, PROBABILITY_DIGITS]),
)
"""Score, value, components, probabilities and evidence of an item, up to its reasons; score and probability of being
noticed of the best of a channel, to its end, GAP between them."""


def sent_with(contact_id: str | None, until: str | None, alternative: bool) -> bytes:
    """From behind the moment to before the probability; ``until`` is when the message's reservation expires."""
    contact_id = None if until is None else contact_id
    return b"".join((CONTACT, written(contact_id), UNTIL, written(until), ALTERNATIVE, written(alternative), CHANCE))


def unreached(channel: str) -> bytes:
    """A channel on which nothing may be offered."""
    return b"".join((_BEST, written(channel), _SCORE, b"null", _OFFER, b"null", _NOTICED, b"null", _LAST))


class Blank(NamedTuple):
    """One offer on one channel."""

    head: bytes
    """From the rank, which is left out, to the moment, which is, too."""
    tail: bytes | None
    """From behind the last reason to the end; None where the customer is called by name."""
    unsent: bytes
    """From behind the moment to the probability, where it goes out with no message."""
    best: bytes
    """Where it is the best of its channel: what stands before the score."""
    offered: bytes
    """The same: what stands between the score and the probability of being noticed."""


class Blanks:
    """Those of one catalogue. Threads may share it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._currency = catalogue.currency
        self._held: dict[tuple[str, str], dict[int, Blank]] = {}
        self._count = 0
        self.limits = {each: Raw(written([limit(text, each) for text in catalogue.limits])) for each in Language}
        """What the data cannot tell, by language."""

    def of(self, reader: Reader) -> dict[int, Blank]:
        """The blanks that are made for readers of this language and zone, by the row of the pair."""
        if self._count > MOST:
            self._held, self._count = {}, 0
        return self._held.setdefault((reader.language, reader.zone), {})

    def make(self, row: int, pair: Pair, reader: Reader) -> Blank:
        """One that is not held yet, of the pair in this row of the catalogue's."""
        offer, channel = pair.offer, pair.channel.name
        known = written(offer.offer_id), written(offer.name), written(offer.category), written(channel)
        head = (
            b"".join(piece for each in zip((OFFER, NAME, CATEGORY, CHANNEL), known, strict=True) for piece in each)
            + KIND
            + written(IMPORTANCE[offer.importance])
            + MOMENT
        )
        tail = None if addresses(offer, channel) else self.said(pair, reader)
        best = _BEST + written(channel) + _SCORE, _OFFER + written(offer.offer_id) + _NOTICED
        found = Blank(head, tail, sent_with(None, None, interrupts(pair)), *best)
        self.of(reader)[row] = found
        self._count += 1
        return found

    def said(self, pair: Pair, reader: Reader) -> bytes:
        """The end of an item, from the end of its list of reasons on, as one reader reads it."""
        told = say(pair.offer, pair.channel.name, self._currency, reader)
        wording = written(item_api.Said(told.title, told.body, told.price, told.terms))
        return b"".join((b"]", WORDING, wording, TAKEN_APART, b"null", END))

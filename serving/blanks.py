"""What never changes of an answer, as JSON: of each offer on each channel, and of the catalogue's limits."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from features.catalogue import Catalogue
from features.domain import Importance
from serving import answer_api, item_api
from serving.figures import form, gap, words_of
from serving.german_notes import limit
from serving.kernels.letter import BLANK
from serving.language import Language
from serving.money import interrupts
from serving.over_the_wire import written
from serving.pairs import Pair
from serving.pieces import Pieces
from serving.trees.kernels.tables import addresses as addresses_of
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
_FORM = form(
    [*_WORDS[_FIRST:_AFTER], REASONS, RANK, _LAST],
    [*[MONEY_DIGITS] * 10, *[PROBABILITY_DIGITS] * 4, *[EVIDENCE_DIGITS] * 2, MONEY_DIGITS, PROBABILITY_DIGITS],
)
FORM = addresses_of(_FORM)
"""Of an item score, value, components, probabilities and evidence, up to its reasons; of the best of a channel score
and probability of being noticed."""


def sent_with(contact_id: str | None, until: str | None, alternative: bool) -> bytes:
    """From behind the moment to before the probability; ``until`` is when the message's reservation expires."""
    contact_id = None if until is None else contact_id
    return b"".join((CONTACT, written(contact_id), UNTIL, written(until), ALTERNATIVE, written(alternative), CHANCE))


def unreached(channel: str) -> bytes:
    """A channel on which nothing may be offered."""
    return b"".join((_BEST, written(channel), _SCORE, b"null", _OFFER, b"null", _NOTICED, b"null", _LAST))


class Blanks:
    """Those of one catalogue. Threads may share it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._currency = catalogue.currency
        self._held: dict[tuple[str, str], Pieces] = {}
        self._count = 0
        self.limits = {each: Raw(written([limit(text, each) for text in catalogue.limits])) for each in Language}
        """What the data cannot tell, by language."""

    def of(self, reader: Reader) -> Pieces:
        """Those that are made for readers of this language and zone, by the row of the pair: see ``kernels.letter``.

        Of what calls its customer by name the end of an item is left empty.
        """
        if self._count > MOST:
            self._held, self._count = {}, 0
        read = reader.language, reader.zone
        held = self._held.get(read)
        return self._held.setdefault(read, Pieces(BLANK)) if held is None else held

    def make(self, row: int, pair: Pair, reader: Reader) -> None:
        """One that is not held yet, of the pair in this row of the catalogue's."""
        offer, channel = pair.offer, pair.channel.name
        known = written(offer.offer_id), written(offer.name), written(offer.category), written(channel)
        head = (
            b"".join(piece for each in zip((OFFER, NAME, CATEGORY, CHANNEL), known, strict=True) for piece in each)
            + KIND
            + written(IMPORTANCE[offer.importance])
            + MOMENT
        )
        tail = b"" if addresses(offer, channel) else self.said(pair, reader)
        before, between = _BEST + written(channel) + _SCORE, _OFFER + written(offer.offer_id) + _NOTICED
        self.of(reader).add(row, (head, tail, sent_with(None, None, interrupts(pair)), before, between))
        self._count += 1

    def said(self, pair: Pair, reader: Reader) -> bytes:
        """The end of an item, from the end of its list of reasons on, as one reader reads it."""
        told = say(pair.offer, pair.channel.name, self._currency, reader)
        wording = written(item_api.Said(told.title, told.body, told.price, told.terms))
        return b"".join((b"]", WORDING, wording, TAKEN_APART, b"null", END))

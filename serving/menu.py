"""What is offered, from the top, and the best of each channel: in columns, as an answer and its record need no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, Instant, OfferId
from features.quick import quick
from features.state import Floats
from serving.columns import PLACES
from serving.eligibility import Shelf
from serving.kernels.menu import BEST, PARTS, WIDTH, lay_out
from serving.language import Language
from serving.ledger.contact import ContactId
from serving.offering import Sight
from serving.pairs import Pair
from serving.ranking import ChannelScore, Judged, Scored, scored
from serving.reasons import READ, reasons

Places = NDArray[np.intp]


class Item(NamedTuple):
    """One offer on one channel at one moment."""

    scored: Scored
    probability: float
    """With which it was chosen for this place, given those above it."""
    contact_id: ContactId | None
    """The message it goes out with; None where none is needed, or where it is an alternative to those above."""
    contacts: float
    """Contacts with this offer that the judgement rests on (all customers, half-life 180 days)."""
    similar_contacts: float
    """The same over all offers of its category and kind."""
    reasons: tuple[str, ...]


@quick(frozen=True, eq=False)
class Menu:
    """``n`` items and ``m`` channels with something on them."""

    shelf: Shelf
    judged: Judged
    language: Language
    places: Places
    """``[n + m]``, among the judged pairs: of the items from the top, then of the channels' best, best first."""
    rows: list[int]
    """The same on the shelf."""
    moments: list[Instant]
    """``[n]``; so are the next two."""
    probabilities: Sequence[float]
    messages: Sequence[ContactId | None]
    told: Places
    """``rows``, ``moments``, in how many parts the reasons for each are told, and then these parts, see
    ``kernels.menu.give_reasons``."""
    seen: NDArray[np.float32]
    """What the models saw of the items, ``[n, n_features]``."""
    figures: Floats
    """``numbers``, and then score and probability of being noticed of the best of each channel: see ``lay_out``."""
    unreached: tuple[ChannelName, ...]
    """Channels that could carry an offer, and on which nothing may be offered."""

    @staticmethod
    def of(
        places: Places,
        probabilities: Sequence[float],
        judged: Judged,
        shelf: Shelf,
        rows: Places,
        seen: Sight,
        language: Language,
        carrying: Sequence[ChannelName],
        allowed: frozenset[ChannelName] | None,
    ) -> Menu:
        """What was chosen of the judged pairs, which stand at ``rows`` of the shelf; nobody is interrupted with it yet.

        Args:
            places: Of the items, each with its probability, then of the channels' best: see Menu.
            probabilities: See there.
            judged: With all that was found of them.
            shelf: All pairs.
            rows: See above.
            seen: What the models saw of the judged pairs.
            language: Of the reasons.
            carrying: Channels that could carry an offer of the kind.
            allowed: Those that may be used; None for all.
        """
        n = len(probabilities)
        matrix, end = seen.rows(places[:n]), len(places)
        figures, told = _laid_out(judged, places, rows, shelf.nouns.table, matrix)
        listed: list[int] = told[: end + n].tolist()
        numbers, moments = listed[:end], cast(list[Instant], listed[end:])
        unreached: tuple[ChannelName, ...] = ()
        if end - n < len(carrying):
            reached = {shelf.named[number][1] for number in numbers[n:]}
            unreached = tuple(name for name in carrying if name not in reached and (allowed is None or name in allowed))
        return Menu(
            shelf,
            judged,
            language,
            places,
            numbers,
            moments,
            probabilities,
            (None,) * n,
            told,
            matrix,
            figures,
            unreached,
        )

    def __len__(self) -> int:
        return len(self.moments)

    @property
    def claims(self) -> bool:
        """True where the ledger has to be asked for an item."""
        return any(map(self.shelf.claims.__getitem__, self.rows[: len(self.moments)]))

    @property
    def numbers(self) -> Floats:
        """Of each item, exactly and WIDTH in a row: score, value, components, noticed, taken, bought, organic,
        contacts, similar contacts; NaN where one is unknown."""
        return self.figures[: len(self.moments) * WIDTH]

    @property
    def named(self) -> list[tuple[OfferId, ChannelName]]:
        """Offer and channel of each item."""
        return list(map(self.shelf.named.__getitem__, self.rows[: len(self.moments)]))

    @property
    def pairs(self) -> list[Pair]:
        """That of each item."""
        return list(map(self.shelf.pairs.__getitem__, self.rows[: len(self.moments)]))

    @property
    def best(self) -> tuple[Pair, float] | None:
        """The best of all pairs with its score; None where there is none."""
        n = len(self.moments)
        if n == len(self.rows):
            return None
        return self.shelf.pairs[self.rows[n]], float(self.figures[n * WIDTH])

    @property
    def given(self) -> list[list[int]]:
        """The parts in which the reasons for each item are told."""
        n, start = len(self.moments), len(self.rows) + len(self.moments)
        counts: list[int] = self.told[start : start + n].tolist()
        parts = iter(self.told[start + n :].tolist())
        return [list(islice(parts, count)) for count in counts]

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """One by one."""
        n, words = len(self), self.shelf.nouns.words
        said = [reasons(words, parts, self.language) for parts in self.given]
        contacts, similar = self.numbers.reshape(n, WIDTH)[:, -2:].T.tolist()
        told = scored(self.judged, self.places[:n].tolist())
        return tuple(map(Item, told, self.probabilities, self.messages, contacts, similar, said))

    @cached_property
    def channels(self) -> tuple[ChannelScore, ...]:
        """Every channel that could carry an offer, with the best on it: the best one first, those without any last."""
        best = scored(self.judged, self.places[len(self) :].tolist())
        reached = [ChannelScore(each.pair.channel.name, each) for each in best]
        return (*reached, *(ChannelScore(name, None) for name in self.unreached))

    def seated(self, messages: Sequence[ContactId | None], gone: Sequence[int]) -> Menu:
        """The same with the message of each item, and without those that are ``gone``."""
        n = len(self)
        stays = [number for number in range(n) if number not in gone]
        parts = self.given
        given, moments = [parts[number] for number in stays], [self.moments[number] for number in stays]
        rows = [*(self.rows[number] for number in stays), *self.rows[n:]]
        told = [*rows, *moments, *map(len, given), *chain.from_iterable(given)]
        figures = self.numbers.reshape(n, WIDTH)[stays].ravel(), self.figures[n * WIDTH :]
        return replace(
            self,
            places=np.concatenate((self.places[:n][stays], self.places[n:])),
            rows=rows,
            moments=moments,
            probabilities=[self.probabilities[number] for number in stays],
            messages=[messages[number] for number in stays],
            told=np.array(told, dtype=np.int64),
            seen=self.seen[stays],
            figures=np.concatenate(figures),
        )

    def emptied(self) -> Menu:
        """The same without items."""
        return self.seated((), range(len(self)))


def _laid_out(
    judged: Judged, places: Places, rows: Places, nouns: NDArray[np.int64], seen: NDArray[np.float32]
) -> tuple[Floats, Places]:
    """The figures of a menu, and what is told of it, see ``lay_out``."""
    n = len(seen)
    figures = np.empty(n * WIDTH + (len(places) - n) * BEST)
    told = np.empty(len(places) + n * (PARTS + 2), dtype=np.int64)
    end = lay_out(*judged.told(), judged.moments, places, rows, nouns, _READ, seen, figures, told)
    return figures, told[:end]


_READ = np.array([PLACES[name] for name in READ], dtype=np.int64)

"""Pairs laid out for speed: vectors in factors, each computed once for all pairs that share it.

What a customer did with a category stands in the vectors of all its offers, the customer's own columns in all vectors,
and content and evidence are the same for everybody. So a decision computes a few short rows; the whole matrix is put
together from them only where somebody wants to see it. Every value is, bit by bit, the one that ``pairs.vectors`` has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.evidence import Pooled
from features.feature import Group
from features.moment import hour_key, weekday_key
from features.past import Past
from features.rows import Rows
from features.schema import BY_CATEGORY
from features.state import empty
from features.vector import COLUMNS, FEATURES
from serving.pairs import Known, Pair, memory_of, moment_of, rows, stranger, vectors
from serving.slots import Slots, laid_out

Matrix = NDArray[np.float32]
Places = NDArray[np.intp]
OWN = (Group.CUSTOMER, Group.PROFILE, Group.MOMENT)
"""Groups whose columns all pairs of a request share."""
KEYED = (Group.CATEGORY, Group.OFFER, Group.CHANNEL)
"""Groups whose columns one key of the pair decides."""
STILL = slice(COLUMNS[Group.CONTENT].place.start, COLUMNS[Group.EVIDENCE].place.stop)
"""Columns that no customer changes."""
HOURS, WEEKDAYS = [hour_key(hour) for hour in range(24)], [weekday_key(day) for day in range(7)]


class Assortment:
    """Pairs with everything about their vectors that no customer changes; one pair at least."""

    def __init__(self, pairs: Sequence[Pair], evidence: Pooled) -> None:
        self.pairs = tuple(pairs)
        told: dict[Group, list[str]] = {
            Group.CATEGORY: [pair.offer.buys or pair.offer.category for pair in pairs],
            Group.OFFER: [pair.offer.offer_id for pair in pairs],
            Group.CHANNEL: [pair.channel.name for pair in pairs],
        }
        self.keys: dict[Group, tuple[str, ...]] = {group: tuple(dict.fromkeys(each)) for group, each in told.items()}
        self.place: dict[Group, Places] = {
            group: np.array([self.keys[group].index(key) for key in each], dtype=np.intp)
            for group, each in told.items()
        }
        """By keyed group the number of each pair's key, ``[n_pairs]``."""
        self._slots = Slots([[""], *(self.keys[group] for group in KEYED), HOURS, WEEKDAYS])
        offers, channels = self._examples(Group.OFFER), self._examples(Group.CHANNEL)
        self._content = rows(stranger(Instant(0)), offers, evidence).content
        self._evidence = rows(stranger(Instant(0)), channels, evidence).evidence
        self.still = vectors(stranger(Instant(0)), pairs, evidence)[:, STILL]
        """float32 ``[n_pairs, n_still]``: what no customer changes."""
        shapes = [(1, sum(COLUMNS[group].width for group in OWN))]
        shapes += [(len(self.keys[group]), COLUMNS[group].width) for group in KEYED]
        self._parts, self._size = laid_out(shapes)

    def _examples(self, group: Group) -> list[Pair]:
        """A pair for each key."""
        return [self.pairs[place] for place in np.unique(self.place[group], return_index=True)[1]]

    def factors(self, known: Known) -> Factors:
        """What the vectors of the pairs are made of for one customer."""
        state = known.activity or empty()
        slots, when = self._slots.pasts(state, known.at), moment_of(known)
        found = Rows(
            at=np.array(known.at, dtype=np.int64),
            customer=slots[0],
            categories_known=np.array(float(len(memory_of(state, BY_CATEGORY).keys))),
            profile=known.profile,
            category=slots[1],
            offer=slots[2],
            channel=slots[3],
            hour=_row(slots[4], int(when.hour)),
            weekday=_row(slots[5], int(when.weekday)),
            moment=when,
            content=self._content,
            evidence=self._evidence,
        )
        flat = np.empty(self._size, dtype=np.float32)
        own, *keyed = (flat[where].reshape(shape) for where, shape in self._parts)
        column = 0
        for group in OWN:
            end = column + COLUMNS[group].width
            COLUMNS[group].read(found, slots[0] if group is Group.CUSTOMER else None, own[:, column:end])
            column = end
        for group, past, out in zip(KEYED, slots[1:4], keyed, strict=True):
            COLUMNS[group].read(found, past, out)
        return Factors(self, flat, own[0], dict(zip(KEYED, keyed, strict=True)))


@dataclass(frozen=True, eq=False)
class Factors:
    """What the vectors of an assortment's pairs are made of for one customer at one instant, in float32."""

    assortment: Assortment
    flat: Matrix
    """``own`` and the rows of ``keyed``, one after the other."""
    own: Matrix
    """``[n_own]``: the columns of OWN."""
    keyed: Mapping[Group, Matrix]
    """By group of KEYED ``[n_keys, n_columns]``."""

    def matrix(self, places: Places) -> Matrix:
        """The vectors of the pairs at these places, ``[n, n_features]``."""
        out = np.empty((len(places), len(FEATURES)), dtype=np.float32)
        column = 0
        for group in OWN:
            width = COLUMNS[group].width
            out[:, COLUMNS[group].place] = self.own[column : column + width]
            column += width
        for group, values in self.keyed.items():
            out[:, COLUMNS[group].place] = values[self.assortment.place[group][places]]
        out[:, STILL] = self.assortment.still[places]
        return out


def _row(past: Past, row: int) -> Past:
    return Past(past.section, past.sums[row], past.days[row])

"""Pairs laid out for speed: vectors in factors, each computed once for all pairs that share it.

What a customer did with a category stands in the vectors of all its offers, the customer's own columns in all vectors,
and content and evidence are the same for everybody. So a decision computes a few short rows; the whole matrix is put
together from them only where somebody wants to see it. Every value is, bit by bit, the one that ``pairs.vectors`` has.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.evidence import Pooled
from features.feature import Group
from features.moment import hour_key, wall_clock, weekday_key
from features.quick import quick
from features.rows import PROFILE_VALUES, Content, Evidence, Moment, Profile, Rows
from features.schema import BY_CATEGORY
from features.state import Floats, empty
from features.vector import COLUMNS, FEATURES
from serving import loops
from serving.pairs import Known, Pair, memory_of, rows, stranger, vectors
from serving.slots import Columns, Slots, alone, columns, laid_out
from serving.tape import Tape, Term

Matrix = NDArray[np.float32]
Places = NDArray[np.intp]
OWN = (Group.CUSTOMER, Group.PROFILE, Group.MOMENT)
"""Groups whose columns all pairs of a request share."""
KEYED = (Group.CATEGORY, Group.OFFER, Group.CHANNEL)
"""Groups whose columns one key of the pair decides."""
STILL = slice(COLUMNS[Group.CONTENT].place.start, COLUMNS[Group.EVIDENCE].place.stop)
"""Columns that no customer changes."""
_HOURS = [{hour_key(hour): 0} for hour in range(24)]
_WEEKDAYS = [{weekday_key(day): 0} for day in range(7)]
_WHOLE = {"": 0}


class Assortment:
    """Pairs with everything about their vectors that no customer changes; one pair at least. Threads may share it."""

    def __init__(self, pairs: Sequence[Pair], evidence: Pooled) -> None:
        self.pairs = tuple(pairs)
        told: dict[Group, list[str]] = {
            Group.CATEGORY: [pair.offer.buys or pair.offer.category for pair in pairs],
            Group.OFFER: [pair.offer.offer_id for pair in pairs],
            Group.CHANNEL: [pair.channel.name for pair in pairs],
        }
        self.keys: dict[Group, tuple[str, ...]] = {group: tuple(dict.fromkeys(each)) for group, each in told.items()}
        self._rows = [{key: row for row, key in enumerate(self.keys[group])} for group in KEYED]
        """By keyed group the row of each key."""
        self.place: dict[Group, Places] = {
            group: np.array([row[key] for key in told[group]], dtype=np.intp)
            for group, row in zip(KEYED, self._rows, strict=True)
        }
        """By keyed group the number of each pair's key, ``[n_pairs]``."""
        self.still = vectors(stranger(Instant(0)), pairs, evidence)[:, STILL]
        """float32 ``[n_pairs, n_still]``: what no customer changes."""
        shapes = [(1, sum(COLUMNS[group].width for group in OWN))]
        shapes += [(len(self.keys[group]), COLUMNS[group].width) for group in KEYED]
        self._parts, self._size = laid_out(shapes)
        self.plan = self._plan()
        """int64 ``[n_features, 3]``: where each column of the vectors stands, see ``loops.gather``."""
        self.numbers = np.array([self.place[group] for group in KEYED], dtype=np.intp)
        """``place`` of KEYED, ``[n_groups, n_pairs]``."""
        tape = Tape()
        self._slots = Slots(tape, [1, *(len(self.keys[group]) for group in KEYED), 1, 1])
        self._given, given = tape.single(_N_GIVEN)
        self._write(tape, self._inputs(tape, given, evidence))
        self._played = tape.finished()
        self._own = threading.local()

    def _inputs(self, tape: Tape, given: Sequence[Term], evidence: Pooled) -> Rows:
        """What the features read, made of terms: the customer's and what was ``given``, then one for each key."""
        at, categories_known, member_since, hour, weekday, *profile = given
        customer, category, offer, channel, habit, weekly = self._slots.pasts
        nobody = stranger(Instant(0))
        settled = rows(nobody, self._examples(Group.OFFER), evidence).content
        shown = rows(nobody, self._examples(Group.CHANNEL), evidence).evidence
        return Rows(
            at=_term(at),
            customer=alone(customer),
            categories_known=_term(categories_known),
            profile=Profile(_term(Columns(profile)), _term(member_since)),
            category=category,
            offer=offer,
            channel=channel,
            hour=alone(habit),
            weekday=alone(weekly),
            moment=Moment(_term(hour), _term(weekday)),
            content=Content(*(_term(tape.settled(getattr(settled, field.name))) for field in fields(Content))),
            evidence=Evidence(*(_term(tape.settled(getattr(shown, field.name))) for field in fields(Evidence))),
        )

    def _write(self, tape: Tape, inputs: Rows) -> None:
        """Write every column of OWN and KEYED down, in the order of the parts of ``flat``."""
        past = {
            Group.CUSTOMER: inputs.customer,
            **dict(zip(KEYED, (inputs.category, inputs.offer, inputs.channel), strict=True)),
        }
        (own, (_, width)), *keyed = self._parts
        column = own.start
        for group in OWN:
            for value in COLUMNS[group].of(inputs, past.get(group), columns):
                tape.tell(value, column, width, 1)
                column += 1
        for group, (where, (n_keys, width)) in zip(KEYED, keyed, strict=True):
            for number, value in enumerate(COLUMNS[group].of(inputs, past[group], columns)):
                tape.tell(value, where.start + number, width, n_keys)

    def _plan(self) -> Places:
        """The customer's columns step nowhere, so that any key finds them."""
        found = np.zeros((len(FEATURES), 3), dtype=np.intp)
        (own, _), *keyed = self._parts
        start = own.start
        for group in OWN:
            place, width = COLUMNS[group].place, COLUMNS[group].width
            found[place, 0] = np.arange(start, start + width)
            start += width
        for number, (group, (where, (_, width))) in enumerate(zip(KEYED, keyed, strict=True)):
            place = COLUMNS[group].place
            found[place, 0] = np.arange(where.start, where.start + width)
            found[place, 1:] = width, number
        found[STILL, 0], found[STILL, 2] = np.arange(STILL.stop - STILL.start), -1
        return found

    def _examples(self, group: Group) -> list[Pair]:
        """A pair for each key."""
        return [self.pairs[place] for place in np.unique(self.place[group], return_index=True)[1]]

    def factors(self, known: Known) -> Factors:
        """What the vectors of the pairs are made of for one customer."""
        state, (hour, weekday) = known.activity or empty(), wall_clock(known.zone, known.at)
        values, flat = self._values(), np.empty(self._size, dtype=np.float32)
        self._slots.fill(values, state, known.at, [_WHOLE, *self._rows, _HOURS[hour], _WEEKDAYS[weekday]])
        given, profile = self._given, known.profile
        values[given : given + 5] = (
            known.at,
            len(memory_of(state, BY_CATEGORY).keys),
            int(profile.member_since),
            hour,
            weekday,
        )
        values[given + 5 : given + _N_GIVEN] = profile.values
        self._played.play(values, flat)
        return Factors(self, flat)

    def parts(self, flat: Matrix) -> list[Matrix]:
        """The rows of OWN, and of each group of KEYED."""
        return [flat[where].reshape(shape) for where, shape in self._parts]

    def _values(self) -> Floats:
        """Room for the values on the tape, each thread its own."""
        if not hasattr(self._own, "values"):
            self._own.values = self._played.ready.copy()
        values: Floats = self._own.values
        return values


_N_GIVEN = 5 + len(PROFILE_VALUES)


def _term(value: object) -> Any:
    """Terms and columns of them stand where features expect arrays."""
    return value


@quick(frozen=True, eq=False)
class Factors:
    """What the vectors of an assortment's pairs are made of for one customer at one instant, in float32."""

    assortment: Assortment
    flat: Matrix
    """``own`` and the rows of ``keyed``, one after the other."""

    @property
    def own(self) -> Matrix:
        """``[n_own]``: the columns of OWN."""
        own: Matrix = self.assortment.parts(self.flat)[0][0]
        return own

    @property
    def keyed(self) -> Mapping[Group, Matrix]:
        """By group of KEYED ``[n_keys, n_columns]``."""
        return dict(zip(KEYED, self.assortment.parts(self.flat)[1:], strict=True))

    def matrix(self, places: Places) -> Matrix:
        """The vectors of the pairs at these places, ``[n, n_features]``."""
        whole, out = self.assortment, np.empty((len(places), len(FEATURES)), dtype=np.float32)
        loops.gather(self.flat, whole.still, whole.plan, whole.numbers, places, out)
        return out

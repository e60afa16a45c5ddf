"""Pairs laid out for speed: vectors in factors, each computed once for all pairs that share it.

What a customer did with a category stands in the vectors of all its offers, the customer's own columns in all vectors,
and content and evidence are the same for everybody. So a decision computes a few short rows; the whole matrix is put
together from them only where somebody wants to see it. Every value is, bit by bit, the one that ``pairs.vectors`` has.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.codec import SchemaMismatchError
from features.domain import Instant
from features.evidence import Pooled
from features.feature import Group
from features.moment import hour_key, wall_clock, weekday_key
from features.packed_state import PackedState, pack_state
from features.quick import quick
from features.rows import PROFILE_VALUES, Content, Evidence, Moment, Profile, Rows
from features.state import NEVER, Floats, empty
from features.stored import ACTIVITY
from features.vector import COLUMNS, FEATURES
from serving.kernels.recall import recall
from serving.kernels.tape import finish
from serving.kernels.vectors import gather
from serving.pairs import Known, Pair, rows, stranger, vectors
from serving.slots import Columns, Slots, alone, columns, laid_out
from serving.tape import Playable, Tape, Term
from serving.trees.kernels.tables import addresses

Matrix = NDArray[np.float32]
Places = NDArray[np.intp]
OWN = (Group.CUSTOMER, Group.PROFILE, Group.MOMENT)
"""Groups whose columns all pairs of a request share."""
KEYED = (Group.CATEGORY, Group.OFFER, Group.CHANNEL)
"""Groups whose columns one key of the pair decides."""
STILL = slice(COLUMNS[Group.CONTENT].place.start, COLUMNS[Group.EVIDENCE].place.stop)
"""Columns that no customer changes."""
_HOURS = [hour_key(hour) for hour in range(24)]
_WEEKDAYS = [weekday_key(day) for day in range(7)]
_N_GIVEN = 5 + len(PROFILE_VALUES)


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
        self.place: dict[Group, Places] = {group: _numbered(told[group], self.keys[group]) for group in KEYED}
        """By keyed group the number of each pair's key, ``[n_pairs]``."""
        self.still = vectors(stranger(Instant(0)), pairs, evidence)[:, STILL]
        """float32 ``[n_pairs, n_still]``: what no customer changes."""
        shapes = [(1, sum(COLUMNS[group].width for group in OWN))]
        shapes += [(len(self.keys[group]), COLUMNS[group].width) for group in KEYED]
        self.laid_out, self._size = laid_out(shapes)
        """The factors of OWN and of each group of KEYED: where they stand, how many keys, how many columns."""
        self.plan = self._plan()
        """int64 ``[n_features, 3]``: where each column of the vectors stands, see ``gather``."""
        self.numbers = np.array([self.place[group] for group in KEYED], dtype=np.intp)
        """``place`` of KEYED, ``[n_groups, n_pairs]``."""
        tape = Tape()
        given, terms = tape.single(_N_GIVEN)
        self._slots = Slots(tape, [("",), *(self.keys[group] for group in KEYED), _HOURS, _WEEKDAYS], given)
        self._write(tape, self._inputs(tape, terms, evidence))
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
        (own, _), *keyed = self.laid_out
        column = own.start
        for group in OWN:
            for value in COLUMNS[group].of(inputs, past.get(group), columns):
                tape.tell(value, column, 1)
                column += 1
        for group, (where, (n_keys, _)) in zip(KEYED, keyed, strict=True):
            for number, value in enumerate(COLUMNS[group].of(inputs, past[group], columns)):
                tape.tell(value, where.start + number * n_keys, n_keys)

    def _plan(self) -> Places:
        """The customer's columns step nowhere, so that any key finds them."""
        found = np.zeros((len(FEATURES), 3), dtype=np.intp)
        (own, _), *keyed = self.laid_out
        start = own.start
        for group in OWN:
            place, width = COLUMNS[group].place, COLUMNS[group].width
            found[place, 0] = np.arange(start, start + width)
            start += width
        for number, (group, (where, (n_keys, _))) in enumerate(zip(KEYED, keyed, strict=True)):
            place = COLUMNS[group].place
            found[place, 0] = np.arange(where.start, where.stop, n_keys)
            found[place, 1:] = 1, number
        found[STILL, 0], found[STILL, 2] = np.arange(STILL.stop - STILL.start), -1
        return found

    def _examples(self, group: Group) -> list[Pair]:
        """A pair for each key."""
        return [self.pairs[place] for place in np.unique(self.place[group], return_index=True)[1]]

    def factors(self, known: Known) -> Factors:
        """What the vectors of the pairs are made of for one customer.

        Raises:
            SchemaMismatchError: What is stored of the customer is cut off.
        """
        at, state, told, desk = known.at, known.activity, known.profile, self._desk()
        hour, weekday = wall_clock(known.zone, at)
        aged = 0 if state is None or state.reference == NEVER else max(at - state.reference, 0)
        desk.aged[0] = aged  # numpy takes longer over a number than over an array of one
        np.exp2(np.divide(desk.aged, self._slots.fading, desk.factors), desk.factors)
        packed, since = np.frombuffer(_packed(known), np.uint8), int(told.member_since)
        if not recall(desk.first, packed, told.values, at, since, hour, weekday):
            raise SchemaMismatchError("what is stored of the customer is cut off: run `make features` to write it anew")
        np.exp2(desk.powers, desk.powers)
        np.exp(desk.exponentials, desk.exponentials)
        flat = np.empty(self._size)
        finish(desk.values, self._played.late, self._played.told, flat)
        return Factors(self, flat)

    def parts(self, flat: Floats) -> list[Floats]:
        """The rows of OWN, and of each group of KEYED."""
        return [flat[where].reshape(width, n_keys).T for where, (n_keys, width) in self.laid_out]

    def _desk(self) -> _Desk:
        """Room for the values on the tape, each thread its own."""
        try:
            desk: _Desk = self._own.desk
        except AttributeError:
            desk = self._own.desk = _Desk.of(self._played, self._slots)
        return desk


def _packed(known: Known) -> bytes:
    """The customer's state in bytes; what is too old to be known may still be stored."""
    if known.activity is None:
        return _NOTHING
    if known.packed is not None:
        return known.packed
    return pack_state(ACTIVITY, PackedState(known.at, known.at, 0, known.activity))


_NOTHING = pack_state(ACTIVITY, PackedState(Instant(0), Instant(0), 0, empty()))


@dataclass(frozen=True, eq=False)
class _Desk:
    """What one thread writes into, and where it is."""

    values: Floats
    aged: Floats
    """How old the state is, microseconds."""
    factors: Floats
    powers: Floats
    exponentials: Floats
    first: NDArray[np.int64]
    """Addresses, see ``recall``."""

    @staticmethod
    def of(played: Playable, slots: Slots) -> _Desk:
        """A new one. ``played`` and ``slots`` have to live as long."""
        values, factors = played.ready.copy(), np.empty(len(slots.fading))
        first = addresses((values, factors, played.early), slots.recalled)
        return _Desk(values, np.empty(1), factors, values[played.powers], values[played.exponentials], first)


def _numbered(told: Sequence[str], keys: Sequence[str]) -> Places:
    numbers = {key: number for number, key in enumerate(keys)}
    return np.array([numbers[key] for key in told], dtype=np.intp)


def _term(value: object) -> Any:
    """Terms and columns of them stand where features expect arrays."""
    return value


@quick(frozen=True, eq=False)
class Factors:
    """What the vectors of an assortment's pairs are made of for one customer at one instant, rounded to float32."""

    assortment: Assortment
    flat: Floats
    """``own`` and the columns of ``keyed``, one after the other, each with a value for every key."""

    @property
    def own(self) -> Floats:
        """``[n_own]``: the columns of OWN."""
        own: Floats = self.assortment.parts(self.flat)[0][0]
        return own

    @property
    def keyed(self) -> Mapping[Group, Floats]:
        """By group of KEYED ``[n_keys, n_columns]``."""
        return dict(zip(KEYED, self.assortment.parts(self.flat)[1:], strict=True))

    def matrix(self, places: Places) -> Matrix:
        """The vectors of the pairs at these places, ``[n, n_features]``."""
        whole, out = self.assortment, np.empty((len(places), len(FEATURES)), dtype=np.float32)
        gather(self.flat, whole.still, whole.plan, whole.numbers, places, out)
        return out

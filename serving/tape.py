"""What features make of their inputs, written down once and played back for all keys in one compiled loop.

A feature is a function over arrays. Called with terms instead, it leaves the steps that it takes on a tape: a dozen
features of a hundred keys then cost a few microseconds, where numpy needs as many for each. Every value is, bit by bit,
the one that numpy gives: exponentials, the only steps that compilers compute differently, are left to numpy, for all
keys and features at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from features.errors import KairosError
from serving.kernels import tape as steps_of

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]
_PLAIN: dict[Callable[..., Any], int] = {
    np.add: steps_of.ADD,
    np.subtract: steps_of.SUBTRACT,
    np.multiply: steps_of.MULTIPLY,
    np.true_divide: steps_of.DIVIDE,
    np.maximum: steps_of.MAXIMUM,
    np.negative: steps_of.NEGATIVE,
    np.isnan: steps_of.ISNAN,
    np.less_equal: steps_of.LESS_EQUAL,
    np.less: steps_of.LESS,
    np.greater: steps_of.GREATER,
    np.greater_equal: steps_of.GREATER_EQUAL,
    np.equal: steps_of.EQUAL,
    np.not_equal: steps_of.NOT_EQUAL,
    np.bitwise_or: steps_of.OR,
    np.bitwise_and: steps_of.AND,
    np.invert: steps_of.NOT,
}
"""Steps that any compiler takes as numpy does. Truth is 1.0, falsehood 0.0."""
_EXPONENTIALS = (np.exp2, np.exp)


class TapeError(KairosError):
    """A feature that cannot be written down."""


@dataclass(eq=False, slots=True)
class _Node:
    """One value for each of ``lanes`` keys; 0 lanes: one for all of them."""

    lanes: int
    start: int = -1
    """Where it stands, the value of the next key beside it; −1 as long as that is not known."""
    how: tuple[Callable[..., Any], tuple[_Node, ...]] | None = None
    late: bool = False
    """It needs an exponential."""


class Term(NDArrayOperatorsMixin):
    """Stands for an array while a feature is written down."""

    def __init__(self, tape: Tape, node: _Node) -> None:
        self._tape, self.node = tape, node

    def for_all(self) -> Term:
        """The value of the first key, as one that is the same for all keys."""
        return Term(self._tape, _Node(0, self.node.start))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **given: Any) -> Term:
        """See numpy. Raises TapeError for a function that the tape does not know."""
        if method != "__call__" or given:
            raise TapeError(f"a feature uses numpy.{ufunc.__name__} in a way that {__name__} does not know: teach it")
        return self._tape.made(ufunc, inputs)

    def __array_function__(self, func: Any, _types: Any, args: Any, kwargs: Any) -> Term:
        """See numpy. Raises TapeError for a function that the tape does not know."""
        if func is not np.where or kwargs:
            raise TapeError(f"a feature uses numpy.{func.__name__}, which {__name__} does not know: teach it")
        return self._tape.made(func, args)


class Tape:
    """Writes down; ``finished`` makes it playable. Values stand in one long array."""

    def __init__(self) -> None:
        self._end = 0
        self._nodes: list[_Node] = []
        self._known: dict[Any, _Node] = {}
        self._told: list[tuple[_Node, int]] = []
        self._settled: list[tuple[int, Floats]] = []

    def room(self, rows: int, width: int) -> tuple[int, list[Term]]:
        """Room for a matrix ``[width, rows]`` that is filled before, a row for each key: its begin, and its columns."""
        start, self._end = self._end, self._end + rows * width
        return start, [Term(self, _Node(rows, start + column * rows)) for column in range(width)]

    def single(self, width: int) -> tuple[int, list[Term]]:
        """Room for values that are the same for all keys: where it begins, and the values."""
        start, self._end = self._end, self._end + width
        return start, [Term(self, _Node(0, start + column)) for column in range(width)]

    def settled(self, values: Floats) -> Term:
        """Values that never change, one for each key."""
        start, (term,) = self.room(len(values), 1)
        self._settled.append((start, np.asarray(values, dtype=np.float64)))
        return term

    def made(self, how: Callable[..., Any], inputs: Sequence[Any]) -> Term:
        """What comes of this function. Raises TapeError where it is not known."""
        nodes = tuple(self._node(value) for value in inputs)
        if how is not np.where and how not in _PLAIN and how not in _EXPONENTIALS:
            raise TapeError(f"a feature uses numpy.{how.__name__}, which {__name__} does not know: teach it")
        lanes = {node.lanes for node in nodes} - {0}
        if len(lanes) > 1:
            raise TapeError("a feature mixes what belongs to keys of different kinds")
        count = lanes.pop() if lanes else 0
        return Term(self, self._made(how, tuple(self._spread(node, count) for node in nodes), count))

    def tell(self, value: Any, start: int, rows: int) -> None:
        """Write the value of each of ``rows`` keys into the answer, side by side from a place on."""
        node = self._node(value)
        self._told.append((self._spread(node, rows) if rows > 1 else node, start))

    def _spread(self, node: _Node, count: int) -> _Node:
        """The same with a value for each of so many keys."""
        return node if node.lanes == count else self._made(_spread, (node,), count)

    def _made(self, how: Callable[..., Any], nodes: tuple[_Node, ...], count: int) -> _Node:
        key = (how, count, *map(id, nodes))
        if key not in self._known:
            late = any(n.late or (n.how is not None and n.how[0] in _EXPONENTIALS) for n in nodes)
            if late and how in _EXPONENTIALS:
                raise TapeError("a feature takes the exponential of what an exponential gave")
            self._known[key] = _Node(count, how=(how, nodes), late=late)
            self._nodes.append(self._known[key])
        return self._known[key]

    def finished(self) -> Playable:
        """What was written down."""
        regions = []
        for how in _EXPONENTIALS:
            begin = self._end
            self._place([node for node in self._nodes if node.how is not None and node.how[0] is how])
            regions.append(slice(begin, self._end))
        self._place([node for node in self._nodes if node.start < 0])
        early = [node for node in self._nodes if not node.late]
        late = [node for node in self._nodes if node.late]
        told = [(node.start, start, max(node.lanes, 1)) for node, start in self._told]
        ready = np.zeros(self._end)
        for start, values in self._settled:
            ready[start : start + len(values)] = values
        return Playable(ready, _steps(early), _steps(late), np.array(told, dtype=np.int64).ravel(), *regions)

    def _place(self, nodes: Sequence[_Node]) -> None:
        for node in nodes:
            node.start, self._end = self._end, self._end + max(node.lanes, 1)

    def _node(self, value: Any) -> _Node:
        if isinstance(value, Term):
            return value.node
        key = ("constant", repr(float(value)))
        if key not in self._known:
            start, (term,) = self.single(1)
            self._settled.append((start, np.array([float(value)])))
            self._known[key] = term.node
        return self._known[key]


def _steps(nodes: Sequence[_Node]) -> Steps:
    rows = []
    for node in nodes:
        assert node.how is not None
        how, inputs = node.how
        places = [each.start for each in inputs]
        rows.append([_code(how), max(node.lanes, 1), node.start, *places, *[0] * (3 - len(places))])
    return np.array(rows, dtype=np.int64).ravel()


def _code(how: Callable[..., Any]) -> int:
    if how is np.where:
        return steps_of.WHERE
    if how is _spread:
        return steps_of.SPREAD
    return steps_of.COPY if how in _EXPONENTIALS else _PLAIN[how]


def _spread(value: float, keys: int) -> Floats:
    """The same value for each key."""
    return np.full(keys, value)


@dataclass(frozen=True, slots=True, eq=False)
class Playable:
    """Steps over one long array of values."""

    ready: Floats
    """The array before anything was filled in."""
    early: Steps
    late: Steps
    told: Steps
    powers: slice
    """Where the arguments of 2^x stand, and then what comes of them."""
    exponentials: slice
    """The same of e^x."""

    def play(self, values: Floats, out: Floats) -> None:
        """Work out everything from what was filled into ``values``; what is told goes to ``out``, as float32 has it."""
        steps_of.play(values, self.early)
        np.exp2(values[self.powers], out=values[self.powers])
        np.exp(values[self.exponentials], out=values[self.exponentials])
        steps_of.finish(values, self.late, self.told, out)

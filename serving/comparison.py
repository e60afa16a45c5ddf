"""What conditions are made of: values, and comparisons that neither hold nor fail where a value is unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

Value = Any
"""A number, text or flag, or an array of them, ``[n]``; NaN and None are unknown."""
Read = Callable[[str], Value]
"""Gives the value that a name has now."""


class Sort(StrEnum):
    """What kind of value a name has."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    ANY = "any"
    """Told by whoever asks: a value of another kind than it is compared with counts as unknown."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a condition: the names it reads, and what it makes of them."""

    sort: Sort
    names: tuple[str, ...]
    value: Callable[[Read], Value]


@dataclass(frozen=True, slots=True)
class Test:
    """Something true or false: ``parts`` all hold (or any does), or ``holds`` tells."""

    names: tuple[str, ...]
    holds: Callable[[Read], Any]
    parts: tuple[Test, ...] = ()
    every: bool = False


ORDERS: dict[type[ast.cmpop], tuple[Any, Any]] = {
    ast.Lt: (np.less, np.greater_equal),
    ast.LtE: (np.less_equal, np.greater),
    ast.Gt: (np.greater, np.less_equal),
    ast.GtE: (np.greater_equal, np.less),
}
"""Each comparison with what is true where it is false, both sides being known: NaN makes all of them false."""
_SUMS: dict[type[ast.operator], Any] = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply}


def literal(value: object, sort: Sort) -> Part:
    """What was written itself."""
    return Part(sort, (), lambda _: value)


def arithmetic(op: type[ast.operator], left: Part, right: Part) -> Part:
    """Two numbers made one; unknown where either is, and where one is divided by 0."""
    work: Any = _SUMS.get(op, _quotient)
    return Part(
        Sort.NUMBER,
        _in_order((*left.names, *right.names)),
        lambda read: work(_number(left.value(read)), _number(right.value(read))),
    )


def _quotient(left: Value, right: Value) -> Value:
    return np.divide(left, np.where(np.equal(right, 0.0), np.nan, right))


def _number(value: Value) -> Value:
    """The value as a number; what is none is unknown."""
    if isinstance(value, np.ndarray):
        return value
    return value if isinstance(value, _NUMBERS) and not isinstance(value, bool) else np.nan


_NUMBERS = (int, float, np.integer, np.floating)


def order(left: Part, right: Part, compare: Any) -> Test:
    """One of ORDERS between two numbers."""
    names = _in_order((*left.names, *right.names))
    return Test(names, lambda read: compare(_number(left.value(read)), _number(right.value(read))))


def equality(left: Part, right: Part, equal: bool) -> Test:
    """True where both are known and alike (or, for ``equal`` false, known and unlike)."""

    def holds(read: Read) -> Any:
        a, b = left.value(read), right.value(read)
        many = [each for each in (a, b) if isinstance(each, np.ndarray)]
        if not many:
            return _known(a) and _known(b) and _sort(a) is _sort(b) and bool(a == b) is equal
        for one, part in ((a, right), (b, left)):
            if not isinstance(one, np.ndarray) and (not _known(one) or _sort(one) is not part.sort):
                return np.zeros(many[0].shape, dtype=np.bool_)
        return (np.equal(a, b) if equal else np.not_equal(a, b)).astype(np.bool_) & _known(a) & _known(b)

    return Test(_in_order((*left.names, *right.names)), holds)


def absence(part: Part, absent: bool) -> Test:
    """True where the value is unknown (or, for ``absent`` false, known)."""
    return Test(part.names, lambda read: np.logical_xor(_known(part.value(read)), absent))


def _known(value: Value) -> Any:
    """NaN is unknown, and it alone is unlike itself."""
    if isinstance(value, np.ndarray):
        nothing: Any = None
        return np.not_equal(value, nothing) if value.dtype == np.object_ else np.equal(value, value)
    return value is not None and bool(value == value)


def _sort(value: object) -> Sort:
    """A flag is no number, and neither is a text."""
    if isinstance(value, bool | np.bool_):
        return Sort.FLAG
    return Sort.TEXT if isinstance(value, str) else Sort.NUMBER if isinstance(value, _NUMBERS) else Sort.ANY


def joined(parts: tuple[Test, ...], every: bool) -> Test:
    """True where every part is, or any of them."""

    def holds(read: Read) -> Any:
        found = parts[0].holds(read)
        for part in parts[1:]:
            found = found & part.holds(read) if every else found | part.holds(read)
        return found

    return Test(_in_order(name for part in parts for name in part.names), holds, parts, every)


def settled(test: Test, values: Mapping[str, Value]) -> Test:
    """The same test, with what rests on these values alone worked out."""
    if all(name in values for name in test.names):
        known = test.holds(values.__getitem__)
        return Test(test.names, lambda _: known)
    if test.parts:
        return joined(tuple(settled(part, values) for part in test.parts), test.every)
    return Test(test.names, lambda read: test.holds(lambda name: values[name] if name in values else read(name)))


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))

"""Conditions written by people, such as ``profile.age_years >= 18 and offer.category in ("wine", "rum")``.

A condition is read once, typed against the names it may use, and then asked many times, for one value or for a whole
array of them. What is unknown makes a comparison neither true nor false, as in SQL: a condition holds only where it is
true, and so does its negation. No text is ever run as a program.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from features.errors import KairosError
from serving.comparison import (
    ORDERS,
    Part,
    Read,
    Sort,
    Test,
    Value,
    absence,
    arithmetic,
    equality,
    joined,
    literal,
    order,
    settled,
)

MOST_CHARACTERS = 1_000
MOST_NESTED = 40
"""Levels of nesting; more than any person reads."""
WILD = ".*"
"""Ending of a name that stands for every name that begins so, such as ``context.*``."""


class PredicateError(KairosError):
    """The text is no condition over these names."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition that was understood."""

    text: str
    names: tuple[str, ...]
    """Every name it reads, in order of appearance."""
    _test: Test

    def holds(self, read: Read) -> Any:
        """Where it is true: a bool, or bool ``[n]`` as soon as one of the values is an array of that length."""
        return self._test.holds(read)

    def given(self, values: Mapping[str, Value]) -> Predicate:
        """The same condition with these values settled: what rests on them alone is worked out now, once."""
        return Predicate(self.text, self.names, settled(self._test, values))


def compile(text: str, names: Mapping[str, Sort]) -> Predicate:
    """The condition that a text means.

    Args:
        text: Comparisons (``==  !=  <  <=  >  >=  in  is None``) joined by ``and``, ``or``, ``not``; arithmetic with
            ``+ - * /``; numbers, quoted text, ``True`` and ``False``.
        names: What may be named, and what kind of value it has; ``context.*`` allows every name that begins so.

    Raises:
        PredicateError: The text is no such condition. The message says where and what would do.
    """
    if len(text) > MOST_CHARACTERS:
        raise PredicateError(f"a condition has at most {MOST_CHARACTERS} characters, this one has {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        where = f" at character {error.offset or len(text)}" if isinstance(error, SyntaxError) else ""
        raise PredicateError(
            f"{text!r} cannot be read{where}: write it like profile.age_years >= 18 and offer.category == 'wine'"
        ) from error
    test = _Reader(text, names).test(tree, True, 0)
    return Predicate(text, test.names, test)


class _Reader:
    """Understands one text. Negations are pushed inward while reading, so that only comparisons meet the unknown."""

    def __init__(self, text: str, names: Mapping[str, Sort]) -> None:
        self._text = text
        self._names = names

    def test(self, node: ast.expr, wanted: bool, depth: int) -> Test:
        """What is true where the node is ``wanted``."""
        self._refuse_deep(depth)
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.test(value, wanted, depth + 1) for value in values)
                return joined(parts, isinstance(op, ast.And) is wanted)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.test(operand, not wanted, depth + 1)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [left, *comparators]
                links = zip(sides[:-1], ops, sides[1:], strict=True)
                tests = tuple(self._comparison(a, op, b, wanted, depth + 1) for a, op, b in links)
                return tests[0] if len(tests) == 1 else joined(tests, wanted)
        flag = self._part(node, depth)
        if flag.sort not in (Sort.FLAG, Sort.ANY):
            raise self._error(node, f"is a {flag.sort}, where something true or false is needed: compare it")
        return equality(flag, literal(wanted, Sort.FLAG), True)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr, wanted: bool, depth: int) -> Test:
        if isinstance(op, ast.In | ast.NotIn):
            return self._membership(left, right, isinstance(op, ast.In) is wanted, depth)
        if isinstance(right, ast.Constant) and right.value is None:
            if not isinstance(op, ast.Is | ast.IsNot):
                raise self._error(right, "is never equal to anything: write `is None` or `is not None`")
            return absence(self._part(left, depth), isinstance(op, ast.Is) is wanted)
        if isinstance(op, ast.Is | ast.IsNot):
            raise self._error(right, "cannot follow `is`: only None can; use == or !=")
        a, b = self._part(left, depth), self._part(right, depth)
        if isinstance(op, ast.Eq | ast.NotEq):
            if Sort.ANY not in (a.sort, b.sort) and a.sort is not b.sort:
                raise self._error(right, f"is a {b.sort}, but it is compared with a {a.sort}")
            return equality(a, b, isinstance(op, ast.Eq) is wanted)
        for side, part in ((left, a), (right, b)):
            if part.sort not in (Sort.NUMBER, Sort.ANY):
                raise self._error(side, f"is a {part.sort}, which has no order: use == or !=")
        return order(a, b, ORDERS[type(op)][0 if wanted else 1])

    def _membership(self, left: ast.expr, right: ast.expr, wanted: bool, depth: int) -> Test:
        part = self._part(left, depth)
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            raise self._error(right, 'is no list of values: write it like ("milk", "tea")')
        listed = [self._part(each, depth) for each in right.elts]
        for each, item in zip(right.elts, listed, strict=True):
            if item.names or (part.sort is not Sort.ANY and item.sort is not part.sort):
                raise self._error(each, f"is not a literal {'' if part.sort is Sort.ANY else part.sort}".rstrip())
        return joined(tuple(equality(part, item, wanted) for item in listed), not wanted)

    def _part(self, node: ast.expr, depth: int) -> Part:
        self._refuse_deep(depth)
        match node:
            case ast.Constant(value=bool() as flag):
                return literal(flag, Sort.FLAG)
            case ast.Constant(value=str() as words):
                return literal(words, Sort.TEXT)
            case ast.Constant(value=int() | float() as number):
                return literal(self._finite(node, number), Sort.NUMBER)
            case ast.Name() | ast.Attribute():
                return self._named(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return arithmetic(ast.Sub, literal(0.0, Sort.NUMBER), self._number(operand, depth + 1))
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, right=right):
                return arithmetic(type(op), self._number(left, depth + 1), self._number(right, depth + 1))
        raise self._error(node, "is not allowed: use names, literals, comparisons, arithmetic, and, or, not")

    def _number(self, node: ast.expr, depth: int) -> Part:
        part = self._part(node, depth)
        if part.sort not in (Sort.NUMBER, Sort.ANY):
            raise self._error(node, f"is a {part.sort}, where a number is needed")
        return part

    def _finite(self, node: ast.expr, number: float) -> float:
        try:
            value = float(number)
        except OverflowError:
            value = np.inf
        if not np.isfinite(value):
            raise self._error(node, "is too large a number")
        return value

    def _named(self, node: ast.expr) -> Part:
        name = ast.unparse(node)
        sort = self._names.get(name) or next(
            (self._names[wild] for wild in self._names if wild.endswith(WILD) and name.startswith(wild[:-1])), None
        )
        if sort is None:
            known = sorted(self._names)
            near = get_close_matches(name, known, n=3, cutoff=0.4) or known
            more = "" if len(near) == len(known) else f" (of {len(known)} names)"
            raise PredicateError(f"there is no {name!r} in {self._text!r}: use {', '.join(near[:12])}{more}")
        return Part(sort, (name,), lambda read: read(name))

    def _refuse_deep(self, depth: int) -> None:
        if depth > MOST_NESTED:
            raise PredicateError(f"{self._text!r} is nested more than {MOST_NESTED} deep: write it flatter")

    def _error(self, node: ast.expr, why: str) -> PredicateError:
        return PredicateError(f"{ast.unparse(node)!r} in {self._text!r} {why}")

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.comparison import Sort
from serving.predicate import MOST_CHARACTERS, PredicateError, compile

NAMES = {
    "profile.age_years": Sort.NUMBER,
    "feature.visits": Sort.NUMBER,
    "offer.category": Sort.TEXT,
    "offer.automatic": Sort.FLAG,
    "context.*": Sort.ANY,
}
ANN: dict[str, object] = {
    "profile.age_years": 40.0,
    "feature.visits": np.nan,
    "offer.category": "wine",
    "offer.automatic": False,
    "context.rain": True,
    "context.place": "harbour",
}


def holds(text: str, values: Mapping[str, Any] = ANN) -> bool:
    return bool(compile(text, NAMES).holds(lambda name: values.get(name)))


@pytest.mark.parametrize(
    "text",
    [
        "profile.age_years >= 18",
        "18 <= profile.age_years < 65",
        "not 41 <= profile.age_years < 65",
        "offer.category in ('wine', 'rum') and not offer.automatic",
        "offer.category not in ['milk']",
        "context.rain and context.place == 'harbour'",
        "profile.age_years / 2 - -1 == 21",
        "feature.visits is None and profile.age_years is not None",
        "offer.automatic or True",
    ],
)
def test_a_condition_that_is_true_holds(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "feature.visits > 3",
        "feature.visits != 3",
        "feature.visits in (1, 2)",
        "profile.age_years / 0 > 1",
        "context.unheard_of == 'x'",
        "context.unheard_of",
        "context.rain == 'yes'",
        "context.rain > 0",
        "context.place == 3",
    ],
)
def test_of_what_is_unknown_neither_a_condition_nor_its_negation_holds(text: str) -> None:
    assert not holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profile.age >= 18", "use profile.age_years"),
        ("profile.age_years >= 'x'", "has no order"),
        ("offer.category == 3", "compared with a text"),
        ("profile.age_years", "compare it"),
        ("offer.category + 1 == 2", "a number is needed"),
        ("profile.age_years == None", "is None"),
        ("profile.age_years is 3", "use == or !="),
        ("offer.category in 'wine'", "is no list"),
        ("offer.category in ('wine', 3)", "is not a literal text"),
        ("__import__('os').system('true')", "not allowed"),
        ("(lambda: True)()", "not allowed"),
        ("offer.category[0] == 'w'", "not allowed"),
        ("profile.age_years ** 9 > 1", "not allowed"),
        ("profile.age_years >", "cannot be read at character"),
        ("", "cannot be read"),
        ("\0", "cannot be read"),
        ("1e999 > profile.age_years", "too large"),
        ("9" * 400 + " > profile.age_years", "too large"),
        ("-" * 900 + "1 > 0", "deep"),
        ("not " * 200 + "True", "deep"),
        ("(" * 450 + "True" + ")" * 450, "cannot be read"),
        ("True or " * MOST_CHARACTERS + "True", "at most"),
    ],
)
def test_what_is_no_condition_is_refused_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(PredicateError) as refused:
        compile(text, NAMES)
    assert said in str(refused.value)


def test_a_name_nobody_knows_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(PredicateError, match=r"there is no 'offer\.kategory' .* use offer\.category"):
        compile("offer.kategory == 'wine'", NAMES)


def test_the_names_read_are_told_in_their_order() -> None:
    assert compile("context.b == 1 and (context.a > 2 or context.b < 0)", NAMES).names == ("context.b", "context.a")


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
Kleene = bool | None
Oracle = Callable[[Mapping[str, Any]], Kleene]


def _atom(name: str, sign: str, other: float) -> tuple[str, Oracle]:
    def told(values: Mapping[str, Any]) -> Kleene:
        return None if np.isnan(values[name]) else bool(ORDERS[sign](values[name], other))

    return f"{name} {sign} {other}", told


def _not(inner: tuple[str, Oracle]) -> tuple[str, Oracle]:
    def told(values: Mapping[str, Any]) -> Kleene:
        found = inner[1](values)
        return None if found is None else not found

    return f"not ({inner[0]})", told


def _both(word: str, a: tuple[str, Oracle], b: tuple[str, Oracle]) -> tuple[str, Oracle]:
    decisive = word == "or"

    def told(values: Mapping[str, Any]) -> Kleene:
        found = {a[1](values), b[1](values)}
        return decisive if decisive in found else None if None in found else not decisive

    return f"({a[0]}) {word} ({b[0]})", told


ATOMS = st.builds(
    _atom, st.sampled_from(["profile.age_years", "feature.visits"]), st.sampled_from(sorted(ORDERS)), st.just(1.0)
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.builds(_not, inner) | st.builds(_both, st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=8,
)


@given(CONDITIONS)
def test_a_condition_holds_where_three_valued_logic_says_true(condition: tuple[str, Oracle]) -> None:
    text, oracle = condition
    ages, visits = (grid.ravel() for grid in np.meshgrid([0.0, 1.0, 2.0, np.nan], [0.0, 1.0, 2.0, np.nan]))
    rows = [{"profile.age_years": a, "feature.visits": v} for a, v in zip(ages, visits, strict=True)]
    expected = [oracle(row) is True for row in rows]
    found = compile(text, NAMES)
    assert [bool(found.holds(row.__getitem__)) for row in rows] == expected
    columns = {"profile.age_years": ages, "feature.visits": visits}
    every = np.broadcast_to(found.holds(columns.__getitem__), ages.shape)
    assert every.tolist() == expected
    for settled in ("profile.age_years", "feature.visits"):
        rest = found.given({settled: columns[settled]})
        assert np.broadcast_to(rest.holds(columns.__getitem__), ages.shape).tolist() == expected


def test_texts_and_flags_are_compared_in_columns_as_one_by_one() -> None:
    texts: list[str | None] = ["wine", None, "milk"]
    flags = np.array([True, False, True])
    columns: dict[str, Any] = {"offer.category": np.array(texts, dtype=object), "offer.automatic": flags}
    for text in (
        "offer.category != 'milk'",
        "offer.category == context.wish",
        "not offer.automatic",
        "offer.automatic",
    ):
        for wish in ("milk", 3, None, True):
            given_ = {**columns, "context.wish": wish}
            alone = [
                holds(text, {"offer.category": t, "offer.automatic": bool(f), "context.wish": wish})
                for t, f in zip(texts, flags, strict=True)
            ]
            assert compile(text, NAMES).holds(given_.__getitem__).tolist() == alone

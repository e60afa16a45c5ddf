"""An ordinary answer is written as its description has it, figure by figure."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from serving.decide import decide
from serving.figures import Figures, Table
from serving.language import Language
from serving.letter import Letter, letter
from serving.over_the_wire import written
from serving.wire import answer
from tests.serving.test_golden import cases, made


@pytest.mark.parametrize("rule", sorted(cases()))
@pytest.mark.parametrize("language", list(Language))
def test_a_letter_says_what_its_description_does(rule: str, language: Language) -> None:
    for case in cases()[rule]:
        found_with = made(case)
        equipment, ask = found_with.equipment, replace(found_with.decision.ask, language=language)
        decision = decide(ask, found_with.decision.known, equipment, circumstances=found_with.decision.circumstances)
        for name in (None, "Ann"):
            described = answer(decision, equipment, "none", {"total": 1.5}, True, name)
            described.warnings.append("of the request")
            found = letter(decision, equipment, {"total": 1.5}, ("of the request",), name)
            assert found is not None
            assert json.loads(found.text) == json.loads(written(described))
            assert found.answer == Letter.of(described).answer
            assert found.timed({"rank": 2.0}).answer.timings_ms == {"rank": 2.0}


def test_numbers_are_written_as_they_are_rounded() -> None:
    rng = np.random.default_rng(5)
    digits = [2, 4, 6]
    numbers = rng.normal(size=(3_000, 3)) * 10.0 ** rng.integers(-9, 8, size=(3_000, 3))
    odd = [[0.0, -0.0, np.nan], [np.inf, -np.inf, 1e8], [0.005, 0.00005, -0.0000005], [9.995, 0.99995, 0.9999995]]
    numbers = np.vstack([numbers, odd, np.round(numbers[:500], 2)])
    found = Figures(Table([b"[", b",", b",", b"]"], digits)).rows(numbers.ravel(), (len(numbers),))
    assert found is not None
    scales = 10.0 ** np.array(digits)
    wanted = (np.rint(numbers * scales) / scales + 0.0).tolist()
    assert [json.loads(row) for row in found] == json.loads(written(wanted))


def test_a_number_that_no_double_tells_to_the_last_digit_is_left_to_others() -> None:
    assert Figures(Table([b"[", b"]"], [4])).rows(np.array([1e12]), (1,)) is None
    assert Figures(Table([b"[", b"]"], [4])).rows(np.empty(0), (0,)) == []


def test_tables_of_different_shapes_are_written_in_one_go() -> None:
    both = Figures(Table([b"[", b"]"], [1]), Table([b"(", b" ", b")"], [1, 3]))
    assert both.rows(np.array([1.0, 2.0, 3.0, 4.0]), (2, 1)) == [b"[1.0]", b"[2.0]", b"(3.0 4.0)"]
    assert both.rows(np.array([3.0, 4.0]), (0, 1)) == [b"(3.0 4.0)"]

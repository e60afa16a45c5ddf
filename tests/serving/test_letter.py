"""An ordinary answer is written as its description has it, figure by figure."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from serving.equipment import Equipment
from serving.figures import Figures
from serving.findings import numbers_of
from serving.language import Language
from serving.letter import Letter, letter
from serving.over_the_wire import written
from serving.wire import answer
from tests.serving.test_golden import cases, decided


@pytest.mark.parametrize("rule", sorted(cases()))
@pytest.mark.parametrize("language", list(Language))
def test_a_letter_says_what_its_description_does(
    rule: str, language: Language, equipment: Callable[..., Equipment]
) -> None:
    for case in cases()[rule]:
        decision = decided(case)
        decision = replace(decision, ask=replace(decision.ask, language=language))
        for name in (None, "Ann"):
            described = answer(decision, equipment(None), "none", {"total": 1.5}, True, name)
            described.warnings.append("of the request")
            found = letter(decision, equipment(None), numbers_of(decision), {"total": 1.5}, ("of the request",), name)
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
    found = Figures([b"[", b",", b",", b"]"], digits).rows(array("d", numbers.ravel()))
    assert found is not None
    scales = 10.0 ** np.array(digits)
    wanted = (np.rint(numbers * scales) / scales + 0.0).tolist()
    assert [json.loads(row) for row in found] == json.loads(written(wanted))


def test_a_number_that_no_double_tells_to_the_last_digit_is_left_to_others() -> None:
    assert Figures([b"[", b"]"], [4]).rows(array("d", [1e12])) is None
    assert Figures([b"[", b"]"], [4]).rows(array("d")) == []

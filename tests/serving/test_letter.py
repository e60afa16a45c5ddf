"""An ordinary answer is written as its description has it, figure by figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.domain import DAY, Instant
from features.instant import format_instant, parse_instant
from serving.decide import decide
from serving.kernels.strokes import WIDEST, write_instant, write_number
from serving.language import Language
from serving.letter import Letter, letter
from serving.over_the_wire import written
from serving.pieces import Pieces
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


def text(write: Callable[..., int], *values: object) -> bytes:
    """What a kernel writes somewhere in the middle."""
    out = np.zeros(64, dtype=np.uint8)
    end = write(*values, out, 5)
    return out[5:end].tobytes()


def test_numbers_are_written_as_they_are_rounded() -> None:
    rng = np.random.default_rng(5)
    digits = [2, 4, 6]
    numbers = rng.normal(size=(3_000, 3)) * 10.0 ** rng.integers(-9, 8, size=(3_000, 3))
    odd = [[0.0, -0.0, np.nan], [np.inf, -np.inf, 1e8], [0.005, 0.00005, -0.0000005], [9.995, 0.99995, 0.9999995]]
    numbers = np.vstack([numbers, odd, np.round(numbers[:500], 2)])
    scales = 10.0 ** np.array(digits)
    wanted = (np.rint(numbers * scales) / scales + 0.0).tolist()
    for row, told in zip(numbers.tolist(), wanted, strict=True):
        found = [text(write_number, x, scale, n) for x, scale, n in zip(row, scales, digits, strict=True)]
        assert max(map(len, found)) <= WIDEST
        assert [json.loads(each) for each in found] == json.loads(written(told))


def test_a_number_that_no_double_tells_to_the_last_digit_is_left_to_others() -> None:
    assert write_number(1e12, 1e4, 4, np.zeros(64, dtype=np.uint8), 0) == -1


@given(
    st.one_of(st.integers(0, parse_instant("9999-12-31T23:59:59.999999Z")), st.integers(0, 2_932_896).map(DAY.__mul__))
)
def test_instants_are_written_as_everywhere(instant: int) -> None:
    assert text(write_instant, instant) == written(format_instant(Instant(instant)))


def test_pieces_are_found_by_their_keys_however_many_there_are() -> None:
    rng = np.random.default_rng(7)
    keys = np.unique(np.concatenate((np.arange(200), rng.integers(0, 1 << 63, 2_000)))).tolist()
    held = Pieces(2)
    for number, key in enumerate(keys):
        assert held.of(key) is None
        before = held.tables
        held.add(key, (b"%d" % key, b"x" * (number % 300)))
        held.add(key, (b"", b"held already"))
        assert before is held.tables or len(held.tables.hoard.text) > len(before.hoard.text)
    assert [held.of(key) for key in keys] == [[b"%d" % key, b"x" * (n % 300)] for n, key in enumerate(keys)]


def test_an_answer_is_written_once_there_is_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (case, *_) = cases()["consent"]
    found = made(case)
    wide = letter(found.decision, found.equipment, {})
    monkeypatch.setattr("serving.letter._ROOM", 16)
    narrow = letter(found.decision, found.equipment, {})
    assert wide is not None
    assert narrow is not None
    assert wide.text == narrow.text

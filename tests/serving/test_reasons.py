"""Which reasons hold: the compiled form against the plain one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving import sentences as held_by
from serving.kernels import menu as kernel
from serving.language import Language
from serving.reasons import READ, reasons
from serving.sentences import Sentences

WORDS = ("tea", "hot-drinks", "mailer")
THING, CATEGORY, CHANNEL = range(3)


def plain(values: Sequence[float], thing: int) -> list[tuple[float, ...]]:
    """The first few that hold, from the most personal to the most general."""
    bought, days, share, due, looked, redeemed, uses, ago, contacts, notice, sent, taken, alike, everybody = values
    found: list[tuple[float, ...]] = []
    if redeemed >= 0.1:
        found.append((kernel.USED_KIND, CATEGORY, 0, 0) if thing < 0 else (kernel.USED_FOR, thing, 0, 0))
    if thing >= 0:
        if bought >= 0.5 and days >= 0:
            told = round(100 * share) if share >= 0.01 else kernel.NO_SHARE
            found.append((kernel.BUYS, thing, round(days) if days >= 2 else int(days), told))
        if due >= 0.6 and bought >= 2:
            found.append((kernel.IS_DUE, thing, 0, 0))
        if looked >= 0.3:
            found.append((kernel.LOOKED_AT, thing, 0, 0))
    if uses >= 0.25 and ago >= 0:
        found.append((kernel.USES, 0, round(ago) if ago >= 2 else int(ago), 0))
    if notice >= 0.5 and contacts >= 0.5:
        found.append((kernel.NOTICES, CHANNEL, round(100 * notice), 0))
    if sent >= 1:
        found.append((kernel.TAKEN_BY_ALL, 0, sent, taken))
    elif alike >= 1:
        found.append((kernel.ALIKE, 0, alike, 0))
    if everybody >= 0.001 and thing >= 0:
        found.append((kernel.BOUGHT_BY_ALL, thing, everybody, 0))
    return found[: kernel.MOST] or [(kernel.NOTHING_KNOWN, 0, 0, 0)]


VALUE = st.one_of(
    st.just(np.nan),
    st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.25, 0.3, 0.5, 0.6, 0.999, 1.0, 1.5, 2.0, 2.5, 3.5]),
    st.floats(0, 400, width=32),
)


@settings(max_examples=300)
@given(st.lists(VALUE, min_size=len(READ), max_size=len(READ)), st.booleans(), st.randoms(use_true_random=False))
def test_reasons_hold_as_the_plain_rules_say(values: list[float], buys: bool, chance: object) -> None:
    read = np.array(chance.sample(range(40), len(READ)), dtype=np.int64)  # type: ignore[attr-defined]
    seen = np.full(40, np.nan, dtype=np.float32)
    seen[read] = values
    out, thing = np.full(kernel.PARTS * kernel.SAID, -7.0), THING if buys else -1
    count = kernel.give_reasons(seen, read, thing, CATEGORY, CHANNEL, out)
    told, wanted = out[: count * kernel.SAID], plain(seen[read].tolist(), thing)
    parts = [part for each in wanted for part in taken_apart(each)]
    parts[0] = (parts[0][0] + kernel.OPENS, *parts[0][1:])
    np.testing.assert_array_equal(told.reshape(count, kernel.SAID), parts)
    held = Sentences(WORDS)
    for language in Language:
        said = reasons(WORDS, told.reshape(count, kernel.SAID).tolist(), language)
        assert len(said) == len(wanted) <= kernel.MOST
        for _ in range(2):
            text = b"".join(held.told(told.tobytes(), language)) + b"]"
            assert tuple(msgspec.json.decode(text)) == said


def taken_apart(reason: tuple[float, ...]) -> list[tuple[float, ...]]:
    which, thing, days, share = reason
    if which != kernel.BUYS:
        return [reason]
    return [(which, thing, 0, 0), (kernel.AGO, 0, days, 0), (kernel.SHARE, 0, share, 0)]


def test_what_is_bought_is_told_in_one_sentence() -> None:
    for share, often in ((4.0, ", 4% of all purchases"), (kernel.NO_SHARE, "")):
        given = taken_apart((kernel.BUYS, CATEGORY, 1.0, share))
        assert reasons(WORDS, given, Language.EN) == (f"Buys hot drinks: last time yesterday{often}.",)


def test_only_so_many_parts_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_by, "MOST", 10)
    held = Sentences(WORDS)
    for days in range(100):
        (text,) = held.told(np.array([kernel.USES + kernel.OPENS, 0, days, 0], dtype=np.float64).tobytes(), Language.EN)
        assert text.startswith(b'["Uses offers')
        assert sum(map(len, held._held.values())) <= 10

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
    out, thing = np.full(kernel.PARTS, -7), THING if buys else -1
    count = kernel.give_reasons(seen, read, thing, CATEGORY, CHANNEL, out)
    told, wanted = out[:count].tolist(), plain(seen[read].tolist(), thing)
    parts = [part for each in wanted for part in taken_apart(*each)]
    np.testing.assert_array_equal([kernel.read_part(each)[1:] for each in told], parts)
    assert [kernel.read_part(each)[0] for each in told] == [True] + [False] * (count - 1)
    held = Sentences(WORDS)
    for language in Language:
        said = reasons(WORDS, told, language)
        assert len(said) == len(wanted) <= kernel.MOST
        for _ in range(2):
            for each in told:
                held.make(each, language)
            assert tuple(msgspec.json.decode(b"".join(of(held, each, language) for each in told) + b"]")) == said


def of(held: Sentences, given: int, language: Language) -> bytes:
    (found,) = held.of(language).of(given) or ()
    return found


def taken_apart(which: int, noun: float, one: float, two: float) -> list[tuple[float, ...]]:
    if which == kernel.BUYS:
        return [(which, noun, 0), (kernel.AGO, 0, one), (kernel.SHARE, 0, two)]
    return [(which, noun, one), *([(kernel.WERE_TAKEN, 0, two)] if which == kernel.TAKEN_BY_ALL else [])]


def said_of(**values: float) -> list[int]:
    seen, out = (
        np.array([values.get(name, np.nan) for name in READ], dtype=np.float32),
        np.zeros(kernel.PARTS, np.int64),
    )
    return out[: kernel.give_reasons(seen, np.arange(len(READ)), CATEGORY, CATEGORY, CHANNEL, out)].tolist()


def test_what_has_many_values_is_told_in_one_sentence() -> None:
    for share, often in ((0.04, ", 4% of all purchases"), (0.004, "")):
        bought = {"category_purchases_120d": 1.0, "category_days_since_latest_purchases": 1.9, "category_share": share}
        assert reasons(WORDS, said_of(**bought), Language.EN) == (f"Buys hot drinks: last time yesterday{often}.",)
    taken = said_of(evidence_offer_contacts=2_000.0, evidence_offer_taken_rate=0.5)
    said = "Of about 2,000 recent contacts with this offer 50.0% were taken, by all customers."
    assert reasons(WORDS, taken, Language.EN) == (said,)


def test_only_so_many_parts_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_by, "MOST", 10)
    held = Sentences(WORDS)
    for days in range(100):
        given = said_of(customer_redemptions_360d=1.0, customer_days_since_latest_redemptions=days)
        held.make(*given, Language.EN)
        assert of(held, *given, Language.EN).startswith(b'["Uses offers')
        assert sum(each.count for each in held._held.values()) <= 10

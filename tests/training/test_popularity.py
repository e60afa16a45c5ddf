import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.popularity import popularity

pair = st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from(["mail", ""]))


@given(st.lists(st.tuples(pair, st.booleans()), max_size=40), st.lists(pair, min_size=1, max_size=5))
def test_no_offer_is_ever_hopeless_or_certain(
    seen: list[tuple[tuple[str, str, str], bool]], asked: list[tuple[str, str, str]]
) -> None:
    found = popularity([p for p, _ in seen], np.array([y for _, y in seen], dtype=bool), np.ones(len(seen)))
    said = found.probability(asked)
    assert ((said > 0) & (said < 1)).all()


def test_a_new_offer_stands_where_its_category_stands() -> None:
    seen = [("old", "good", "mail")] * 1_000 + [("other", "bad", "mail")] * 1_000
    taken = np.array([True, False] * 500 + [False] * 1_000)
    said = popularity(seen, taken, np.ones(2_000)).probability([("new", "good", "mail"), ("new", "bad", "mail")])
    assert said[0] > 0.45
    assert said[1] < 0.05


def test_more_evidence_moves_an_offer_further_from_its_category() -> None:
    few = [("a", "x", "mail")] * 10 + [("b", "x", "mail")] * 500
    many = [("a", "x", "mail")] * 400 + [("b", "x", "mail")] * 500
    said = [
        popularity(seen, np.array([p[0] == "a" for p in seen]), np.ones(len(seen))).probability([("a", "x", "mail")])[0]
        for seen in (few, many)
    ]
    assert said[0] < said[1] < 1


def test_one_row_that_stands_for_many_is_still_one_contact() -> None:
    seen = [("a", "x", "mail")] + [("b", "y", "mail")] * 999
    weight = np.array([1_000.0] + [1.0] * 999)
    said = popularity(seen, np.array([True] + [False] * 999), weight).probability([("a", "x", "mail")])[0]
    alone = popularity(seen[:1], np.array([True]), np.array([1_000.0])).probability([("a", "x", "mail")])[0]
    assert said < 0.6
    assert alone < 0.2

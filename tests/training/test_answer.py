from copy import deepcopy
from typing import Any

import pytest

from serving.examples import ANSWER
from training.answer import in_words


@pytest.fixture
def answer() -> dict[str, Any]:
    return deepcopy(ANSWER)


def test_an_answer_tells_offer_channel_worth_chances_and_reasons(answer: dict[str, Any]) -> None:
    text = in_words(answer)
    item = answer["items"][0]
    assert f"1. {item['name']}, by {item['channel']}" in text
    assert f"worth {item['incremental_value_minor'] / 100:+.2f} USD more than silence" in text
    assert f"taken {item['probabilities']['taken']:.1%}" in text
    assert "noticed unknown" in text
    assert item["reasons"][0] in text


def test_every_component_that_is_not_nothing_is_told_in_money(answer: dict[str, Any]) -> None:
    text = in_words(answer)
    assert "contact cost -0.50 USD" in text
    assert "unnoticed incentive" not in text


def test_what_was_left_out_is_told_with_the_rule(answer: dict[str, Any]) -> None:
    text = in_words(answer)
    for rule in answer["removed"]:
        assert f"{rule['pairs']} × {rule['rule']}: {rule['meaning']}" in text


def test_offers_of_other_kinds_are_not_told_as_left_out(answer: dict[str, Any]) -> None:
    answer["removed"].append({"rule": "kind", "meaning": "The request ranks offers of another kind.", "pairs": 7})
    assert "another kind" not in in_words(answer)


def test_silence_is_told_with_its_score_and_marked_where_it_wins(answer: dict[str, Any]) -> None:
    assert "  Silence scores +0.00 USD" in in_words(answer)
    answer["items"], answer["silence"]["wins"] = [], True
    assert "→ Silence scores +0.00 USD" in in_words(answer)


def test_a_value_by_popularity_is_not_called_incremental(answer: dict[str, Any]) -> None:
    answer["items"][0]["incremental_value_minor"] = None
    text = in_words(answer)
    assert "by popularity, what is bought anyway included" in text
    assert "more than silence" not in text


def test_a_worth_that_cannot_take_off_what_is_bought_anyway_says_so(answer: dict[str, Any]) -> None:
    assert "bought anyway:" not in in_words(answer)
    answer["items"][0]["probabilities"]["organic"] = None
    assert "more than silence, if none of it would be bought anyway: " in in_words(answer)


def test_strangers_and_warnings_are_pointed_out(answer: dict[str, Any]) -> None:
    answer["cold_start"], answer["warnings"] = True, ["The store is down."]
    text = in_words(answer)
    assert "Mind: nothing is known of this customer" in text
    assert "Mind: The store is down." in text

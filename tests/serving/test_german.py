"""A German answer is German throughout, but for names."""

import inspect
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import features.importers
import serving.events
from serving.eligibility import RULES
from serving.german_notes import LIMITS_DE, NOTES_DE, REFUSALS_DE, limit, note, refused
from serving.german_values import VALUES_DE, german_value, value
from serving.journal import people
from serving.language import Language
from serving.phrases import Phrases
from tests.serving.test_golden import cases, decided
from training.offered import _consent_sentence
from training.promote import UNPROVEN

ENGLISH = re.compile(r"\b(the|is|are|was|were|of|and|not|by|from|only|for|with|this|has|no|to|at)\b", re.IGNORECASE)
"""Words without which hardly any English sentence does. Some mean something in German: `was` and `was`, not `in`."""
BOTH = re.compile(r"\bwas\b", re.IGNORECASE)
CASES = [(rule, case) for rule, found in cases().items() for case in found]


def english(sentence: str) -> list[str]:
    """English words in a sentence."""
    return ENGLISH.findall(BOTH.sub("", sentence))


def test_a_blank_takes_along_what_filled_it_and_words_of_ours_are_translated() -> None:
    phrases = Phrases(
        (("{name}: {most} {length}", "{name}: höchstens {most} {length}"),), {"length": {"a day": "am Tag"}}
    )
    assert phrases.german("a day: 3 a day") == "a day: höchstens 3 am Tag"
    assert phrases.german("nothing of the kind") is None


def test_every_rule_has_its_phrases() -> None:
    assert list(VALUES_DE) == [rule.name for rule in RULES]


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(CASES)])
def test_every_value_of_the_golden_corpus_is_told_in_german(case: Any) -> None:
    for removal in decided(case).funnel.removed:
        found = german_value(removal.rule, removal.value)
        assert value(removal.rule, removal.value, Language.EN) == removal.value
        condition = found.partition("[")[2] if removal.rule in ("offer_rule", "requirement") else found
        assert english(condition) == [], (removal.rule, removal.value)
        if VALUES_DE[removal.rule].pairs and not re.search(r": \w+ (\w+ )?\d{4}-", removal.value):
            assert found != removal.value
        told = re.findall(r"\d+", removal.value)
        assert re.findall(r"\d+", found) == told


def test_every_limit_of_the_imported_data_is_told_in_german() -> None:
    modules = [
        import_module(f"features.importers.{each.name}") for each in pkgutil.iter_modules(features.importers.__path__)
    ]
    sentences = [sentence for module in modules for sentence in getattr(module, "_LIMITS", ())]
    assert len(sentences) > 10
    for sentence in [*sentences, _consent_sentence("email_marketing")]:
        assert english(limit(sentence, Language.DE)) == [], sentence
        assert limit(sentence, Language.EN) == sentence


def test_a_limit_of_somebody_else_stays_as_it_is() -> None:
    assert limit("What we cannot tell.", Language.DE) == "What we cannot tell."


def test_every_note_is_told_in_german() -> None:
    for sentence, _ in NOTES_DE.pairs:
        filled = re.sub(r"\{\w+\}", "x", sentence)
        assert note(filled, Language.DE) != filled
        assert english(note(filled, Language.DE)) == [], sentence
    assert english(note(UNPROVEN, Language.DE)) == []
    text = "In the policy document, /caps/0/of: there is no channel 'pigeon' in the catalogue: use app, mailer."
    assert note(text, Language.DE) == "In policy.json, /caps/0/of: der Kanal 'pigeon' steht nicht im Katalog."


def test_every_reason_to_refuse_an_event_is_told_in_german() -> None:
    modules = [import_module(f"serving.events.{each.name}") for each in pkgutil.iter_modules(serving.events.__path__)]
    source = "".join(inspect.getsource(module) for module in [*modules, people])
    codes = {*re.findall(r'RefusedError\(\s*"(\w+)"', source), "unknown_customer"}
    assert codes == set(REFUSALS_DE)
    assert LIMITS_DE.german("x") is None
    assert [word for code in codes for word in english(refused(0, code, "x has to be y", Language.DE))] == []


@pytest.mark.slow
def test_an_answer_leaves_no_english_sentence(client: Callable[..., TestClient], place: Path) -> None:
    (place / "policy.json").write_text('{"caps": [{"name": "nie", "per": "channel", "of": "pigeon", "most": 0}]}')
    events = [
        {"event_id": "1", "kind": "flown", "channel": "app"},
        {"event_id": 7, "kind": "visited", "channel": "app"},
        {"event_id": "2", "kind": "visited", "channel": "app", "occurred_at": "2999-01-01T00:00:00Z"},
    ]
    asked = {"customer_id": "ann", "language": "de", "explain": "funnel", "events": events}
    service = client()
    for more in ({}, {"dry_run": True}, {"customer_id": "nobody", "kind": "coupon"}):
        answer = service.post("/v1/decisions", json=asked | more).json()
        told = [*answer["warnings"], answer["silence"]["reason"]]
        told += [rule["meaning"] for rule in answer["removed"]]
        told += [removal["value"] for removal in answer["funnel"]["removed"]]
        told += [reason for item in answer["items"] for reason in item["reasons"]]
        told += [topic["sentence"] for topic in answer["open_topics"]]
        assert len(told) > 5
        assert {sentence: words for sentence in told if (words := english(sentence))} == {}


def test_the_same_answer_in_english_is_found_to_be_english(client: Callable[..., TestClient]) -> None:
    answer = client().post("/v1/decisions", json={"customer_id": "nobody", "kind": "coupon"}).json()
    assert english(" ".join(answer["warnings"]))

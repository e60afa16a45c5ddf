from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.domain import CustomerId, DecisionId, Event, Instant, OfferId, Wording
from features.fold import fold
from features.intent import Intent, Topic
from features.state import empty
from serving import german, hush
from serving.decide import decide
from serving.decision import Ask
from serving.eligibility import RULES
from serving.equipment import Equipment
from serving.kernels.menu import MOST, PARTS, give_reasons
from serving.language import Language
from serving.nouns import Nouns
from serving.pairs import Pair, stranger
from serving.reasons import READ, reasons
from serving.score import Model
from serving.shortfall import Lack, Shortfall

Clients = Callable[..., TestClient]


def test_every_rule_and_every_shortfall_has_a_german_sentence() -> None:
    assert list(german.RULES_DE) == [rule.name for rule in RULES]
    assert set(german.LACKS_DE) == set(Lack)
    assert german.sentence(Shortfall(Lack.STARTING, "x"), Language.EN) == "x"


def test_every_topic_has_a_german_sentence() -> None:
    intents = [Intent(topic, "tea", "web", Instant(0), 1.0) for topic in Topic]  # type: ignore[arg-type]
    assert all("(tea)" in german.open_topic(intent) and "web" in german.open_topic(intent) for intent in intents)


ONLY: dict[str, dict[str, float]] = {
    "redeemed here": {"category_redemptions_120d": 3.0},
    "bought": {"category_purchases_120d": 1.0, "category_days_since_latest_purchases": 3.0, "category_share": 0.25},
    "due": {"category_purchases_120d": 3.0, "category_due": 0.7},
    "looked at": {"category_researching": 0.5},
    "redeems": {"customer_redemptions_360d": 3.0, "customer_days_since_latest_redemptions": 3.0},
    "notices": {"channel_contacts_120d": 3.0, "channel_notice_rate": 0.625},
    "taken by all": {"evidence_offer_contacts": 3.0, "evidence_offer_taken_rate": 0.375},
    "like others": {"evidence_category_contacts": 3.0},
    "in demand": {"evidence_bought_share": 0.125},
    "nothing": {},
}


def _said(pair: Pair, values: Mapping[str, float], language: Language) -> tuple[str, ...]:
    seen, out = np.array([values.get(name, np.nan) for name in READ]), np.empty(PARTS, dtype=np.int64)
    nouns = Nouns.of([pair])
    count = give_reasons(seen, np.arange(len(READ)), *nouns.table[:, 0].tolist(), out)
    return reasons(nouns.words, out[:count].tolist(), language)


@pytest.mark.parametrize("values", ONLY.values(), ids=ONLY)
def test_every_reason_is_told_in_both_languages_with_the_same_values(
    values: dict[str, float], equipment: Callable[..., Equipment]
) -> None:
    pair = next(p for p in equipment(None).pairs if p.offer.offer_id == "promo-milk")
    (en,), (de,) = (_said(pair, values, language) for language in Language)
    assert en != de
    digits = re.compile(r"\d+")
    assert digits.findall(en) == digits.findall(de)


def test_the_most_personal_reasons_are_told_first(equipment: Callable[..., Equipment]) -> None:
    pair = next(p for p in equipment(None).pairs if p.offer.offer_id == "promo-milk")
    ranked = [values for name, values in ONLY.items() if name not in ("like others", "nothing")]
    alone = [_said(pair, values, Language.EN)[0] for values in ranked]
    for first in range(len(ranked)):
        for second in range(first + 1, len(ranked)):
            both = _said(pair, ranked[second] | ranked[first], Language.EN)
            assert both.index(alone[first]) < len(both)
            assert [s for s in alone if s in both] == [s for s in both if s in alone]
    everything = {name: value for values in reversed(ranked) for name, value in values.items()}
    assert len(_said(pair, everything, Language.EN)) == MOST


@pytest.mark.parametrize(("days", "told"), [(0.9, "today"), (1.9, "yesterday"), (2.5, "2 days"), (3.5, "4 days")])
def test_what_was_is_told_in_whole_days(days: float, told: str, equipment: Callable[..., Equipment]) -> None:
    values = {"customer_redemptions_360d": 3.0, "customer_days_since_latest_redemptions": days}
    (said,) = _said(equipment(None).pairs[0], values, Language.EN)
    assert told in said


def test_numbers_are_written_as_the_reader_does(equipment: Callable[..., Equipment]) -> None:
    seen = {"evidence_offer_contacts": 1234.0, "evidence_offer_taken_rate": 0.018}
    pair = equipment(None).pairs[0]
    assert "1,234 recent contacts with this offer 1.8%" in _said(pair, seen, Language.EN)[0]
    german_one = _said(pair, seen, Language.DE)[0]
    assert "1.234 Kontakten" in german_one
    assert "1,8 %" in german_one


def test_the_language_changes_no_more_than_the_words(
    equipment: Callable[..., Equipment], model: Callable[..., Model], history: list[Event], now: Instant
) -> None:
    ask = Ask(DecisionId("d"), CustomerId("ann"), now, "promotion", None, 5)
    known = replace(stranger(now), activity=fold(empty(), history))
    en, de = (decide(replace(ask, language=language), known, equipment(model())) for language in Language)
    assert [item.scored for item in en.items] == [item.scored for item in de.items]
    assert en.silence.reason != de.silence.reason
    assert all(set(e.reasons).isdisjoint(d.reasons) for e, d in zip(en.items, de.items, strict=True))


def test_an_answer_in_german_is_german_throughout(client: Clients) -> None:
    asked = {"customer_id": "nobody", "kind": "coupon", "language": "de", "explain": "funnel"}
    answer = client().post("/v1/decisions", json=asked).json()
    assert answer["silence"]["reason"] == "Zurzeit darf kein Angebot gemacht werden."
    assert "Von diesem Kunden ist kein Ereignis bekannt" in " ".join(answer["warnings"])
    assert {rule["meaning"] for rule in answer["removed"]} <= set(german.RULES_DE.values())


def test_every_sentence_about_silence_has_two_languages() -> None:
    assert inspect.getsource(hush.why_silent).count("told(") == 7


def test_what_to_say_comes_with_the_offer(client: Clients, shop: Catalogue, place: Any) -> None:
    said = (Wording("mailer", "{name}, milk", "Only {price}. {terms}"),)  # type: ignore[arg-type]
    offers = tuple(
        replace(o, price_minor=129, terms="While stocks last.", wording=said) if o.offer_id == "promo-milk" else o
        for o in shop.offers
    )
    (place / "catalogue.json").write_text(replace(shop, offers=offers).to_json())
    service = client()
    ask = {"customer_id": "ann", "kind": "promotion", "offer_id": "promo-milk", "dry_run": True}
    (item,) = service.post("/v1/decisions", json=ask).json()["items"]
    assert item["wording"] == {
        "title": "Milk",
        "body": "Only 1.29 EUR. While stocks last.",
        "price": "1.29 EUR",
        "terms": "While stocks last.",
    }
    called = {
        "type": "identify",
        "messageId": "m",
        "userId": "ann",
        "traits": {"firstName": "Ann", "lastName": "Lee"},
        "channel": "app",
    }
    assert service.post("/v1/events", json=called).json()["accepted"] == 1
    (item,) = service.post("/v1/decisions", json=ask).json()["items"]
    assert item["wording"]["title"] == "Ann Lee, milk"
    assert OfferId(item["offer_id"]) == "promo-milk"

"""The golden corpus: each case is a customer, a policy, a shop and an ask, with what must be removed, chosen and said.

A file holds the cases of the rule that it is named after. ``shop.json`` is the document of offers that all cases share;
a case lays its own offers over it. Contacts and events are told in hours and days before the instant of the case;
with ``remembered`` only the customer's state knows of the events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.domain import (
    DAY,
    HOUR,
    ChannelName,
    CustomerId,
    DecisionId,
    Event,
    EventId,
    Instant,
    OfferId,
)
from features.fold import fold
from features.instant import format_instant, parse_instant
from features.intent import open_intents
from features.rows import PROFILE_VALUES, Profile
from features.state import NEVER, empty
from serving.attention import Attention
from serving.circumstances import Circumstances
from serving.consent import Consent
from serving.decide import decide
from serving.decision import Ask, Decision
from serving.desk import Made
from serving.eligibility import RULES
from serving.equipment import NOTHING, Equipment, pooled
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.pairs import Known
from serving.policy.document import offers_of, personas_of, policy_of

FOLDER = Path(__file__).parent / "golden"
SHOP = json.loads((FOLDER / "shop.json").read_text())
ANN = {"persona_id": "ann", "zone": "Europe/Berlin", "consents": [{"purpose": "email_marketing", "granted": True}]}
Case = Mapping[str, Any]


def cases() -> dict[str, list[Case]]:
    """Every case by the rule whose file it stands in."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json")) if path.stem != "shop"}


def decided(case: Case) -> Decision:
    """The decision of a case."""
    return made(case).decision


def made(case: Case) -> Made:
    """The same with its equipment. Without a model, so that nothing but the documents and the customer decides."""
    at = parse_instant(case.get("at", "2024-05-06T10:20:00Z"))
    told = case.get("ask", {})
    offers = {each["offer_id"]: each for each in (*SHOP["offers"], *case.get("offers", ()))}
    channels = {each["name"]: each for each in (*SHOP["channels"], *case.get("channels", ()))}
    shop = {**SHOP, "offers": list(offers.values()), "channels": list(channels.values())}
    catalogue = offers_of(shop).value.over(NOTHING)
    policy = policy_of(case.get("policy", {})).value
    ask = Ask(
        DecisionId("golden"),
        CustomerId("ann"),
        at,
        told.get("kind"),
        None if "channels" not in told else frozenset(map(ChannelName, told["channels"])),
        10,
        None if "offer_id" not in told else OfferId(told["offer_id"]),
        context=told.get("context", {}),
        now_only=told.get("now_only", False),
    )
    ledger = Ledger(_contacts(case, catalogue, at), taken=case.get("taken", {}))
    equipment = Equipment(catalogue, pooled(catalogue, {}, at), at, Attention(1.0, 0.0), policy=policy)
    return Made(decide(ask, _known(case, at), equipment, circumstances=Circumstances(ledger)), equipment, None)


def _known(case: Case, at: Instant) -> Known:
    persona = personas_of({"personas": [{**ANN, **case.get("customer", {})}]}).value.personas[0]
    events = [
        Event(
            "golden",
            EventId(str(number)),
            CustomerId("ann"),
            each.kind,
            each.channel,
            Instant(at - round(each.days_ago * DAY)),
            Instant(at - round(each.days_ago * DAY)),
            0,
            each.offer_id,
            each.category,
            each.value_minor,
        )
        for number, each in enumerate(persona.events)
    ]
    said = {
        (each.purpose, each.channel): Consent(each.purpose, each.granted, Instant(at - DAY), "form", each.channel)
        for each in persona.consents
    }
    values = np.array([persona.profile.get(name, np.nan) for name in PROFILE_VALUES])
    profile = Profile(values, np.array(NEVER, dtype=np.int64))
    state = fold(empty(), events) if events else None
    read = None if case.get("remembered") else tuple(events)
    return Known(at, state, profile, persona.zone, said, open_intents(events, at), read)


def _contacts(case: Case, catalogue: Catalogue, at: Instant) -> tuple[Contact, ...]:
    return tuple(
        Contact(
            ContactId(f"k{number}"),
            ChannelName(each["channel"]),
            Instant(at - round(each["hours_ago"] * HOUR)),
            (OfferId(each["offer"]),),
            (catalogue.offer[OfferId(each["offer"])].category,),
            (catalogue.offer[OfferId(each["offer"])].purpose,),
            each.get("priority", 0),
            True,
            Standing(each.get("standing", "confirmed")),
            Instant(at + HOUR),
        )
        for number, each in enumerate(case.get("contacts", ()))
    )


def shown(decision: Decision) -> dict[str, Any]:
    """What a case says of a decision."""
    return {
        "removed": {
            f"{each.pair.offer.offer_id} {each.pair.channel.name}": f"{each.rule}: {each.value}"
            for each in decision.funnel.removed
        },
        "chosen": [
            f"{item.scored.pair.offer.offer_id} {item.scored.pair.channel.name} {format_instant(item.scored.moment)}"
            for item in decision.items
        ],
        "silence": decision.silence.reason,
    }


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """One line per difference."""
    lines = [
        f"  removed {pair}: expected {expected['removed'].get(pair)!r}, found {found['removed'].get(pair)!r}"
        for pair in dict.fromkeys([*expected["removed"], *found["removed"]])
        if expected["removed"].get(pair) != found["removed"].get(pair)
    ]
    rest = [name for name in ("chosen", "silence") if expected[name] != found[name]]
    return [*lines, *(f"  {name}: expected {expected[name]!r}, found {found[name]!r}" for name in rest)]


def test_every_case_is_decided_as_it_says() -> None:
    wrong: list[str] = []
    for rule, listed in cases().items():
        for case in listed:
            lines = differences(case["expect"], shown(decided(case)))
            if lines:
                wrong += [f"{rule}: {case['case']}", *lines]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_rule_has_a_file_whose_cases_it_decides() -> None:
    found = cases()
    assert set(found) == {rule.name for rule in RULES}
    silent = [
        f"{rule}: {case['case']}"
        for rule, listed in found.items()
        for case in listed
        if not any(said.startswith(f"{rule}: ") for said in case["expect"]["removed"].values())
    ]
    assert not silent, f"cases that their own rule does not decide: {silent}"
    assert all(found.values())

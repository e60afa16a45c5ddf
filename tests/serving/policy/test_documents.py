from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from features.domain import Importance, Instant, Offer, Wording
from features.instant import parse_instant
from serving.policy.bounds import BOUNDS
from serving.policy.document import CLASSES, Name, offers_of, parse, personas_of, policy_of
from serving.policy.flaw import DocumentError
from serving.policy.form import fields_of, read, write
from serving.policy.json_schema import json_schema
from serving.policy.overlay import Overlay
from serving.policy.policy import DEFAULT, Cap, Per, Policy
from serving.policy.window import Unit, Window

OFFER = {
    "offer_id": "post",
    "kind": "product",
    "category": "cats",
    "name": "Scratching post",
    "channels": ["email", "app"],
    "margin_minor": 900,
    "incentive_minor": 0,
}
RICH: dict[str, Any] = {
    **OFFER,
    "price_minor": 4900,
    "terms": "Until {valid_to}, {price}.",
    "valid_to": "2017-12-31T22:59:59Z",
    "importance": "transactional",
    "rule": "profile.age_years >= 18",
    "wording": [{"channel": "email", "title": "{name}, a post", "body": "For {price}. {terms}"}],
    "follow_ups": [{"after_hours": 48, "unless": ["purchased"], "channel": "app", "only_on": "email"}],
}
FULL: dict[str, Any] = {
    "closed_channels": ["sms"],
    "caps": [
        {"name": "week", "per": "all", "most": 3, "window": {"calendar": "week"}},
        {"name": "mail", "per": "channel", "of": "email", "most": 1, "window": {"hours": 24}},
    ],
    "kept": {"share": 0.34, "above_priority": 50},
    "quiet": [{"begins_min": 1260, "ends_min": 480, "weekdays": [0, 6]}],
    "rests": [{"name": "ignored", "after": "ignored", "times": 3, "within_days": 60, "rest_days": 30}],
    "sequences": [{"name": "bought", "stops": {"category": "cats"}, "event": "purchased", "within_days": 7}],
    "requirements": [{"name": "adults", "meaning": "Of age.", "needs": "profile.age_years >= 18"}],
    "levers": [{"name": "push", "about": {"offer": "post"}, "money_minor": 50, "when": "context.rain == True"}],
    "capacities": [{"name": "letters", "channel": "direct_mail", "most": 100, "window": {"calendar": "day"}}],
    "budgets": [{"name": "all", "about": {}, "most_minor": 100000}],
    "exploration": {"control": 0.05, "per_root": 0.1},
    "horizon_hours": 48,
}


def flaws(reader: Any, body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(DocumentError) as refused:
        reader(body)
    return {flaw.pointer: flaw.sentence for flaw in refused.value.flaws}


def test_what_a_document_does_not_name_has_its_default() -> None:
    assert policy_of({}).value == Policy(fingerprint=policy_of({}).fingerprint)
    assert policy_of({"rests": []}).value.rests == () != DEFAULT.rests


def test_a_policy_is_read_with_all_that_it_says() -> None:
    policy = policy_of(FULL).value
    assert policy.caps == (
        Cap("week", Per.ALL, 3, Window(calendar=Unit.WEEK)),
        Cap("mail", Per.CHANNEL, 1, Window(hours=24.0), "email"),
    )
    assert (policy.levers[0].money_minor, type(policy.levers[0].money_minor)) == (50.0, float)
    assert policy.exploration.control == 0.05


def test_an_offer_is_read_with_instants_and_wording() -> None:
    (offer,) = offers_of({"offers": [RICH]}).value.offers
    assert offer.valid_to == parse_instant("2017-12-31T22:59:59Z")
    assert offer.importance is Importance.TRANSACTIONAL
    assert offer.wording == (Wording("email", "{name}, a post", "For {price}. {terms}"),)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [policy_of(FULL).value, offers_of({"offers": [RICH]}).value, DEFAULT])
def test_what_is_written_is_read_back_unchanged(value: Policy | Overlay) -> None:
    back, found = read(type(value), json.loads(json.dumps(write(value))))
    assert (write(back), found) == (write(value), [])


def test_every_flaw_is_told_at_once_with_its_place_and_remedy() -> None:
    found = flaws(
        policy_of,
        {"caps": [{"name": "a", "per": "chanel", "most": -1, "windw": {}}], "horizon_hours": "x", "kept": {"share": 2}},
    )
    assert found == {
        "/caps/0/windw": "there is no such field: did you mean 'window'?",
        "/caps/0/window": "is missing: it has no default",
        "/caps/0/per": "'chanel' must be one of all, channel, offer, category, purpose: did you mean 'channel'?",
        "/caps/0/most": "-1 must be at least 0",
        "/horizon_hours": "'x' must be a whole number",
        "/kept/share": "2 must be at least 0 and at most 1",
        "/kept/above_priority": "is missing: it has no default",
    }


@pytest.mark.parametrize(
    ("body", "pointer", "remedy"),
    [
        ({"caps": [FULL["caps"][0], FULL["caps"][0]]}, "/caps/1/name", "give each a name of its own"),
        ({"caps": [{**FULL["caps"][0], "of": "email"}]}, "/caps/0/of", "say per channel"),
        ({"caps": [{**FULL["caps"][0], "window": {}}]}, "/caps/0/window", "exactly one of hours and calendar"),
        ({"sequences": [{"name": "a", "stops": {}}]}, "/sequences/0", "exactly one of event and while_open"),
        ({"sequences": [{"name": "a", "stops": {}, "while_open": "x"}]}, "/sequences/0/while_open", "complaint"),
        ({"requirements": [{"name": "a", "meaning": "", "needs": "age > 1"}]}, "/requirements/0/needs", "no 'age'"),
        ({"levers": [{"name": "a", "about": {}, "when": "profile.age_years > 1"}]}, "/levers/0/when", "context"),
        ({"capacities": [{**FULL["capacities"][0], "window": {"hours": 3}}]}, "/capacities/0/window", "calendar"),
        ({"exploration": {"control": 0.6, "random": 0.6}}, "/exploration", "together at most 1"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(body: dict[str, Any], pointer: str, remedy: str) -> None:
    assert remedy in flaws(policy_of, body)[pointer]


@pytest.mark.parametrize(
    ("change", "pointer", "remedy"),
    [
        ({"channels": []}, "/offers/0/channels", "needs a channel"),
        ({"valid_from": "2018-01-01T00:00:00Z"}, "/offers/0/valid_to", "could never be made"),
        ({"valid_from": "tomorrow"}, "/offers/0/valid_from", "2017-10-01T12:00:00Z"),
        ({"rule": "profile.agee > 3"}, "/offers/0/rule", "profile.age_years"),
        ({"terms": "See {terms}"}, "/offers/0/terms", "{offer}, {price}, {valid_to}"),
        ({"wording": [{"channel": "sms", "title": "", "body": ""}]}, "/offers/0/wording/0/channel", "email, app"),
        (
            {"wording": [{"channel": "app", "title": "{nme}", "body": "{"}]},
            "/offers/0/wording/0/title",
            "did you mean {name}",
        ),
        ({"follow_ups": [{**RICH["follow_ups"][0], "channel": "sms"}]}, "/offers/0/follow_ups/0/channel", "email"),
        ({"stock": -1}, "/offers/0/stock", "at least 0"),
        ({"stock": True}, "/offers/0/stock", "true must be a whole number"),
        ({"offer_id": "x" * 129}, "/offers/0/offer_id", "1 to 128 characters"),
    ],
)
def test_an_offer_that_cannot_be_made_is_refused(change: dict[str, Any], pointer: str, remedy: str) -> None:
    assert remedy in flaws(offers_of, {"offers": [RICH | change]})[pointer]


def test_a_persona_with_a_zone_or_a_profile_that_there_is_not_is_refused() -> None:
    found = flaws(personas_of, {"personas": [{"persona_id": "p", "zone": "Europe/Bonn", "profile": {"shoe_size": 3}}]})
    assert set(found) == {"/personas/0/zone", "/personas/0/profile/shoe_size"}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("{", "check quotes"),
        ('{"caps": [], "caps": []}', "'caps' stands there twice"),
        ('{"kept": NaN}', "no number of JSON"),
        ("[]", "must be an object"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(DocumentError, match=remedy):
        parse("policy", text)


def test_the_fingerprint_is_that_of_what_is_said_not_of_how_it_is_written() -> None:
    one, other = '{"horizon_hours": 3, "closed_channels": []}', '{"closed_channels":[],\n"horizon_hours":3}'
    assert policy_of(parse("p", one)).fingerprint == policy_of(parse("p", other)).fingerprint
    assert policy_of({"horizon_hours": 3}).fingerprint != policy_of({"horizon_hours": 4}).fingerprint


def test_every_bound_is_of_a_field_that_there_is() -> None:
    assert [(owner, name) for owner, name in BOUNDS if name not in fields_of(owner)] == []


@pytest.mark.parametrize("name", Name)
def test_the_schemas_are_schemas(name: Name) -> None:
    Draft202012Validator.check_schema(json_schema(CLASSES[name]))


def test_a_schema_tells_what_each_field_means() -> None:
    schema = json_schema(Overlay)
    assert schema["properties"]["withdrawn"]["description"] == "Imported offers that are no longer made."
    assert "Terms, once for all channels." in json.dumps(schema["$defs"]["Offer"])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 1500)
    | st.floats(-2, 2)
    | st.sampled_from(["", "email", "all", "week"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "hours", "of"]), inner),
    max_leaves=4,
)


def places(raw: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    keys = list(raw) if isinstance(raw, dict) else range(len(raw)) if isinstance(raw, list) else []
    return [(raw, key) for key in keys] + [place for key in keys for place in places(raw[key])]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_the_schema_accepts_exactly_what_is_read(data: st.DataObject) -> None:
    owner, body = data.draw(st.sampled_from([(Policy, FULL), (Offer, RICH)]))
    raw = json.loads(json.dumps(body))
    container, key = data.draw(st.sampled_from(places(raw)))
    change = data.draw(st.sampled_from(["replace", "drop", "add"]))
    if change == "drop":
        del container[key]
    elif change == "add" and isinstance(container, dict):
        container["further"] = data.draw(JSON)
    else:
        container[key] = data.draw(JSON)
    validator = Draft202012Validator(json_schema(owner))  # formats are not checked: a date-time is any text
    _, found = read(owner, raw)
    structural = [flaw for flaw in found if "is not an instant" not in flaw.sentence]
    assert validator.is_valid(raw) is (not structural), structural


def test_instants_are_told_from_other_numbers_by_their_type() -> None:
    assert Instant in get_args(fields_of(Offer)["valid_to"])
    assert write(Offer(**{**OFFER, "valid_to": Instant(0)}))["valid_to"] == "1970-01-01T00:00:00Z"  # type: ignore[arg-type]

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from fastapi.testclient import TestClient

from features.clock import SystemClock
from features.domain import Instant
from serving import examples
from serving.answer_api import Answer
from serving.envelope import MAX_BODY
from serving.problem import Problem
from serving.recall_api import RecordedDecision
from serving.score import Model

Clients = Callable[..., TestClient]
TEA = {"customer_id": "ann", "kind": "promotion"}


def _problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    Problem.model_validate(found)
    assert (found["status"], found["code"]) == (status, code)
    assert found["request_id"] == response.headers["x-request-id"]
    return found


def test_an_answer_names_offer_channel_chances_value_and_reason(client: Clients) -> None:
    answer = client().post("/v1/decisions", json=TEA).json()
    msgspec.convert(answer, Answer)
    first = answer["items"][0]
    assert (first["offer_id"], first["channel"], first["name"]) == ("promo-tea", "mailer", "promotion tea")
    assert first["probabilities"] == {"noticed": None, "taken": 0.6, "bought": 0.6, "organic": 0.1}
    assert first["incremental_value_minor"] == pytest.approx(sum(first["components"].values()))
    assert first["incremental_value_minor"] == pytest.approx(0.5 * 300 - 0.6 * 50 - 2)
    assert first["reasons"]
    assert answer["preferred_channel"] == "mailer"
    assert [channel["channel"] for channel in answer["channels"]] == ["mailer", "direct_mail", "app"]
    assert not answer["silence"]["wins"]
    assert (answer["fallback"], answer["cold_start"], answer["recorded"]) == (False, False, True)
    assert answer["currency"] == "EUR"
    assert answer["limits"] == ["Nothing here is real."]
    assert answer["versions"]["model"] == "fake-1"
    assert UUID(answer["decision_id"]).version == 7
    assert set(answer["timings_ms"]) == {"read", "eligibility", "features", "score", "rank", "record", "total"}


def test_a_value_is_called_incremental_only_where_buying_anyway_is_known(
    client: Clients, model: Callable[..., Model]
) -> None:
    first = (
        client(load=lambda _: model({"promo-tea": 0.6}, organic=None))
        .post("/v1/decisions", json=TEA)
        .json()["items"][0]
    )
    assert first["probabilities"]["organic"] is None
    assert first["incremental_value_minor"] is None
    assert first["score_minor"] == pytest.approx(0.6 * 300 - 0.6 * 50 - 2)


def test_the_funnel_lists_every_pair_of_the_kind_that_was_left_out(client: Clients) -> None:
    answer = client().post("/v1/decisions", json={"customer_id": "ann", "kind": "coupon", "explain": "funnel"}).json()
    removed = {(pair["offer_id"], pair["rule"]) for pair in answer["funnel"]["removed"]}
    assert removed == {("coupon-old", "no_longer_valid"), ("coupon-soon", "not_yet_valid")}
    assert (
        sum(rule["pairs"] for rule in answer["removed"]) + answer["funnel"]["eligible"]
        == answer["funnel"]["considered"]
    )
    assert client().post("/v1/decisions", json=TEA).json()["funnel"] is None


def test_an_unknown_customer_gets_a_cold_start_answer_that_is_no_fallback(client: Clients) -> None:
    answer = client().post("/v1/decisions", json={"customer_id": "nobody"}).json()
    assert (answer["cold_start"], answer["fallback"]) == (True, False)
    assert answer["items"]
    assert any("judged by what all customers do" in warning for warning in answer["warnings"])


def test_a_decision_can_be_read_again_as_it_was_answered(client: Clients) -> None:
    service = client()
    answer = service.post("/v1/decisions", json={**TEA, "explain": "funnel"}).json()
    found = service.get(f"/v1/decisions/{answer['decision_id']}").json()
    msgspec.convert(found, RecordedDecision)
    assert found["request"] == {**TEA, "explain": "funnel"}
    assert {**found["answer"], "timings_ms": {}} == {**answer, "timings_ms": {}}
    assert [vector["offer_id"] for vector in found["vectors"]] == [item["offer_id"] for item in answer["items"]]
    assert found["vectors"][0]["features"]["customer_purchases_30d"] > 0
    assert found["vectors"][0]["features"]["profile_income_minor"] is None


def test_a_dry_run_leaves_no_trace(client: Clients) -> None:
    service = client()
    answer = service.post("/v1/decisions", json={**TEA, "dry_run": True}).json()
    assert answer["items"]
    assert not answer["recorded"]
    _problem(service.get(f"/v1/decisions/{answer['decision_id']}"), 404, "decision_not_found")


def test_an_instant_may_be_chosen_under_the_simulated_clock_only(client: Clients) -> None:
    later = {**TEA, "at": "2017-10-01T13:00:00+00:00"}
    answer = client().post("/v1/decisions", json=later).json()
    assert answer["decided_at"] == "2017-10-01T13:00:00Z"
    assert {rule["rule"] for rule in answer["removed"]} >= {"no_longer_valid"}
    found = _problem(client(clock=SystemClock()).post("/v1/decisions", json=later), 422, "at_not_allowed")
    assert found["errors"][0]["pointer"] == "/at"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_nobody_can_mean_is_refused(client: Clients, at: str) -> None:
    found = _problem(client().post("/v1/decisions", json={**TEA, "at": at}), 422, "at_out_of_range")
    assert found["errors"][0]["pointer"] == "/at"


def test_an_instant_before_the_known_history_is_warned_of(client: Clients) -> None:
    answer = client().post("/v1/decisions", json={**TEA, "at": "2017-09-01T00:00:00Z"}).json()
    assert any("History is known up to 2017-10-01T12:00:00Z" in warning for warning in answer["warnings"])


def test_only_inbound_channels_left_is_said(client: Clients) -> None:
    answer = client().post("/v1/decisions", json={**TEA, "channels": ["app"]}).json()
    assert answer["items"][0]["channel"] == "app"


def test_a_kind_or_channel_that_nobody_knows_is_refused_with_what_is_known(client: Clients) -> None:
    body = {"customer_id": "ann", "kind": "gift", "channels": ["mailer", "fax"]}
    found = _problem(client().post("/v1/decisions", json=body), 422, "unknown_name")
    assert [error["pointer"] for error in found["errors"]] == ["/kind", "/channels/1"]
    assert "use one of campaign, coupon, promotion" in found["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/customer_id"),
        ({"customer_id": ""}, "/customer_id"),
        ({"customer_id": "x" * 129}, "/customer_id"),
        ({"customer_id": 7}, "/customer_id"),
        ({**TEA, "limit": 101}, "/limit"),
        ({**TEA, "limit": "5"}, "/limit"),
        ({**TEA, "channels": []}, "/channels"),
        ({**TEA, "at": "yesterday"}, "/at"),
        ({**TEA, "surprise": 1}, "/surprise"),
        ([], ""),
    ],
)
def test_a_body_of_the_wrong_form_is_told_where(client: Clients, body: object, pointer: str) -> None:
    found = _problem(client().post("/v1/decisions", json=body), 422, "invalid_request")
    assert [error["pointer"] for error in found["errors"]] == [pointer]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"customer_id": "ann"', b"[" * 100_000])
def test_a_body_that_is_no_json_is_malformed(client: Clients, body: bytes) -> None:
    answer = client().post("/v1/decisions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    _problem(answer, answer.status_code, "malformed" if answer.status_code == 400 else "invalid_request")


@pytest.mark.parametrize("identity", ["🦉" * 64, "a\u0000b", "../../etc/passwd", "' OR 1=1 --", " "])
def test_any_text_may_be_a_customer(client: Clients, identity: str) -> None:
    answer = client().post("/v1/decisions", json={"customer_id": identity})
    assert answer.status_code == 200
    assert answer.json()["customer_id"] == identity


def test_too_large_a_body_is_refused_declared_or_not(client: Clients) -> None:
    large = json.dumps({"customer_id": "ann", "kind": "x" * MAX_BODY}).encode()
    headers = {"content-type": "application/json"}
    _problem(client().post("/v1/decisions", content=large, headers=headers), 413, "body_too_large")
    streamed = (large[i : i + 65_536] for i in range(0, len(large), 65_536))
    _problem(client().post("/v1/decisions", content=streamed, headers=headers), 413, "body_too_large")


def test_a_body_that_is_not_declared_as_json_is_refused(client: Clients) -> None:
    _problem(client().post("/v1/decisions", data={"customer_id": "ann"}), 415, "unsupported_media_type")


def test_paths_and_methods_that_do_not_exist_are_problems_too(client: Clients) -> None:
    _problem(client().get("/v2/decisions"), 404, "not_found")
    _problem(client().get("/v1/decisions"), 405, "method_not_allowed")


def test_a_request_id_is_echoed_or_given(client: Clients) -> None:
    assert client().get("/version", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    given = client().get("/version", headers={"X-Request-Id": "two words"}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{20}", given)


def test_health_and_version_say_what_runs(client: Clients, now: Instant) -> None:
    service = client()
    assert service.get("/health/live").json() == {"status": "live"}
    assert service.get("/health/ready").json() == {"status": "ready"}
    version = service.get("/version").json()
    assert (version["model"], version["clock"], version["now"]) == ("fake-1", "simulated", "2017-10-01T12:00:00Z")


def test_the_description_of_the_api_is_complete(client: Clients) -> None:
    document = client().get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            for status, response in operation["responses"].items():
                media = "application/json" if status.startswith("2") else "application/problem+json"
                assert list(response["content"]) in ([media], ["application/octet-stream"], ["text/plain"])
    assert document["components"]["schemas"]["DecisionRequest"]["examples"]
    assert document["components"]["schemas"]["Answer"]["examples"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_examples_of_the_description_are_true_of_the_service(client: Clients) -> None:
    msgspec.convert(examples.ANSWER, Answer)
    Problem.model_validate(examples.PROBLEM)
    for request in (examples.REQUEST, examples.SHORTEST_REQUEST):
        answer = client().post("/v1/decisions", json=request)
        assert answer.status_code == 200
        assert answer.json().keys() == examples.ANSWER.keys()
    faulty = client().post("/v1/decisions", json={**examples.REQUEST, "limit": 101}).json()
    assert {**faulty, "request_id": ""} == {**examples.PROBLEM, "request_id": ""}


def test_a_seed_is_for_dry_runs_only(client: Callable[..., TestClient]) -> None:
    ask = client().post
    refused = ask("/v1/decisions", json={"customer_id": "ann", "seed": 7})
    assert (refused.status_code, refused.json()["code"]) == (422, "seed_not_allowed")
    dry = ask("/v1/decisions", json={"customer_id": "ann", "seed": 7, "dry_run": True})
    assert dry.status_code == 200
    assert not [item for item in dry.json()["items"] if item["contact_id"]]


def test_an_offer_that_is_not_in_the_catalogue_cannot_be_asked_for(client: Callable[..., TestClient]) -> None:
    refused = client().post("/v1/decisions", json={"customer_id": "ann", "offer_id": "promo-wine"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/offer_id")

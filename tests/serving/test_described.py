"""Every answer is what OpenAPI says of it: nothing checks an answer while it is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.domain import Instant
from serving.equipment import Equipment
from serving.over_the_wire import written
from serving.wire import answer
from tests.described import as_described, responses_as_described
from tests.serving.test_golden import cases, decided

Clients = Callable[..., TestClient]
ANN: dict[str, Any] = {"customer_id": "ann", "kind": "promotion"}


@pytest.mark.parametrize("rule", sorted(cases()))
def test_every_case_of_the_golden_corpus_is_answered_as_described(
    rule: str, equipment: Callable[..., Equipment]
) -> None:
    for case in cases()[rule]:
        decision = decided(case)
        for explain in ("none", "funnel", "contributions"):
            as_described(json.loads(written(answer(decision, equipment(None), explain, {"total": 1.0}, True, "Ann"))))


@pytest.mark.parametrize("asked", [{}, {"dry_run": True}, {"customer_id": "nobody"}, {"channels": ["app"], "limit": 1}])
def test_every_kind_of_answer_is_as_described(client: Clients, asked: dict[str, Any]) -> None:
    service = client()
    document = service.get("/openapi.json").json()
    for more in ({}, {"explain": "funnel"}, {"explain": "contributions"}, {"language": "de"}):
        response = service.post("/v1/decisions", json={**ANN, **more, **asked})
        assert response.status_code == 200, response.text
        as_described(response.json())
        responses_as_described(document, "/v1/decisions", response)
        recalled = service.get(f"/v1/decisions/{response.json()['decision_id']}")
        responses_as_described(document, "/v1/decisions/{decision_id}", recalled)


def test_every_reference_of_the_description_leads_somewhere(client: Clients) -> None:
    document = client().get("/openapi.json").json()

    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for each in part.values() for found in references(each)]
        return [found for each in part for found in references(each)] if isinstance(part, list) else []

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_what_is_no_number_goes_out_as_null() -> None:
    assert written({"a": float("nan"), "b": float("inf"), "at": Instant(1)}) == b'{"a":null,"b":null,"at":1}'

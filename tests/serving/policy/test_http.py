"""Policy and offers over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from serving.journal import Journal
from serving.journal.audit import lines_of

Clients = Callable[..., TestClient]
CAP = {"caps": [{"name": "day", "per": "all", "most": 1, "window": {"calendar": "day"}}]}
CAT = {
    "kind": "promotion",
    "category": "milk",
    "name": "Cat food",
    "channels": ["mailer"],
    "margin_minor": 100,
    "incentive_minor": 0,
}
NEW = {"If-None-Match": "*"}


@pytest.fixture
def journal(place: Path) -> Iterator[Journal]:
    journal = Journal(f"sqlite:///{place / 'journal.db'}")
    yield journal
    journal.close()


def put(service: TestClient, path: str, body: Any, **headers: str) -> Any:
    """The answer to replacing what stands there now."""
    told = headers or {"If-Match": service.get(path).headers["etag"]}
    return service.put(path, json=body, headers=told)


def offered(service: TestClient) -> list[str]:
    answer = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion", "dry_run": True}).json()
    return [item["offer_id"] for item in answer["items"]]


def test_a_policy_that_was_put_is_in_force_at_once_and_can_be_read_back(client: Clients, place: Path) -> None:
    service = client()
    answer = put(service, "/v1/policy", CAP)
    assert (answer.status_code, answer.json()) == (200, CAP)
    read = service.get("/v1/policy")
    assert (read.json(), read.headers["etag"]) == (CAP, answer.headers["etag"])
    assert json.loads((place / "policy.json").read_text()) == CAP


def test_whoever_did_not_see_the_version_in_force_changes_nothing(client: Clients) -> None:
    service = client()
    first = service.get("/v1/policy").headers["etag"]
    assert service.put("/v1/policy", json=CAP).json()["code"] == "if_match_missing"
    assert put(service, "/v1/policy", CAP, **{"If-Match": first}).status_code == 200
    late = put(service, "/v1/policy", {}, **{"If-Match": first})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert service.get("/v1/policy").json() == CAP
    assert put(service, "/v1/policy", {}, **{"If-Match": "*"}).json() == {}


def test_of_many_who_change_one_version_at_once_one_does(client: Clients) -> None:
    service = client()
    seen = service.get("/v1/policy").headers["etag"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: put(service, "/v1/policy", {"horizon_hours": n}, **{"If-Match": seen}), range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


def test_a_document_that_cannot_be_used_is_refused_with_pointers(client: Clients) -> None:
    answer = put(client(), "/v1/policy", {"caps": [{**CAP["caps"][0], "most": -1}], "closed_channels": []})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"] == [{"pointer": "/caps/0/most", "detail": "-1 must be at least 0"}]


def test_names_that_the_catalogue_lacks_are_refused(client: Clients) -> None:
    answer = put(client(), "/v1/policy", {"closed_channels": ["mailr"]})
    assert answer.json()["errors"] == [
        {
            "pointer": "/closed_channels/0",
            "detail": "there is no channel 'mailr' in the catalogue: did you mean 'mailer'?",
        }
    ]


@pytest.mark.parametrize("body", ["{", "[]", '{"caps": [NaN]}', '{"neutral_title": "\\ud800"}', '{"a": 1, "a": 2}'])
def test_a_body_that_is_no_document_is_refused(client: Clients, body: str) -> None:
    answer = client().put("/v1/policy", content=body, headers={"If-Match": "*", "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_an_offer_is_made_changed_and_taken_back(client: Clients) -> None:
    service = client()
    made = put(service, "/v1/offers/promo-cat", CAT, **NEW)
    assert (made.status_code, made.json()["offer_id"], made.json()["priority"]) == (200, "promo-cat", 0)
    assert "promo-cat" in offered(service)
    assert put(service, "/v1/offers/promo-cat", CAT, **NEW).json()["code"] == "exists"
    changed = put(service, "/v1/offers/promo-cat", {**CAT, "name": "Dog food"})
    assert changed.json()["name"] == "Dog food"
    tag = {"If-Match": changed.headers["etag"]}
    assert service.delete("/v1/offers/promo-cat", headers={"If-Match": made.headers["etag"]}).status_code == 412
    assert service.delete("/v1/offers/promo-cat", headers=tag).json() == {"offers": []}
    assert "promo-cat" not in offered(service)
    assert service.get("/v1/offers/promo-cat").status_code == 404
    assert service.get("/v1/offers").json() == {"offers": []}


def test_an_imported_offer_is_replaced_withdrawn_and_comes_back(client: Clients) -> None:
    service = client()
    imported = service.get("/v1/offers/promo-tea").json()
    put(service, "/v1/offers/promo-tea", {**imported, "stock": 3})
    assert service.get("/v1/offers/promo-tea").json()["stock"] == 3
    tag = service.get("/v1/offers/promo-tea").headers["etag"]
    service.delete("/v1/offers/promo-tea", headers={"If-Match": tag})
    assert service.get("/v1/offers").json() == {"offers": [], "withdrawn": ["promo-tea"]}
    assert "promo-tea" not in offered(service)
    assert put(service, "/v1/offers/promo-tea", imported, **NEW).status_code == 200
    assert "promo-tea" in offered(service)


def test_flaws_of_one_offer_are_told_as_of_that_offer(client: Clients) -> None:
    answer = put(client(), "/v1/offers/promo-cat", {**CAT, "channels": ["mailer", "pigeon"]}, **NEW)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/channels/1"]


def test_every_change_is_journalled_with_who_and_when_and_found_by_its_fingerprint(
    client: Clients, journal: Journal
) -> None:
    service = client()
    answer = put(service, "/v1/policy", CAP)
    service.delete("/v1/policy", headers={"If-Match": answer.headers["etag"]})
    told = service.get("/v1/history/policy").json()["versions"]
    assert [(each["body"], each["by"]) for each in told] == [({}, "local"), (CAP, "local"), ({}, "file")]
    assert {each["at"] for each in told} == {"2017-10-01T12:00:00Z"}
    kept = journal.document(answer.headers["etag"].strip('"'))
    assert kept is not None
    assert json.loads(kept.body) == CAP
    with journal.reading() as connection:
        audit = lines_of(connection, "document")
    assert [(line.by, line.detail["reason"]) for line in audit] == [("local", "policy replaced over HTTP")] * 2


def test_the_catalogue_that_a_decision_was_made_with_is_kept(client: Clients, journal: Journal) -> None:
    service = client()
    put(service, "/v1/offers/promo-cat", CAT, **NEW)
    answer = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).json()
    kept = journal.document(answer["versions"]["catalogue"])
    assert kept is not None
    assert "promo-cat" in [offer["offer_id"] for offer in json.loads(kept.body)["offers"]]
    assert service.get("/v1/catalogue").json()["fingerprint"] == answer["versions"]["catalogue"]


def test_the_catalogue_is_read_a_page_at_a_time(client: Clients) -> None:
    service = client()
    offers = [{**CAT, "offer_id": f"own-{n:03}"} for n in range(150)]
    put(service, "/v1/offers", {"imported": False, "offers": offers})
    first = service.get("/v1/catalogue").json()
    second = service.get("/v1/catalogue", params={"cursor": first["cursor"]}).json()
    found = [offer["offer_id"] for page in (first, second) for offer in page["offers"]]
    assert (found, second["cursor"]) == ([offer["offer_id"] for offer in offers], None)


def test_what_is_served_fits_the_schema_that_is_served(client: Clients) -> None:
    service = client()
    for name, body in (("policy", CAP), ("offer", service.get("/v1/offers/promo-tea").json())):
        Draft202012Validator(service.get(f"/v1/schemas/{name}").json()).validate(body)
    assert service.get("/v1/schemas/nothing").status_code == 404


def test_a_preview_says_what_would_change_and_changes_nothing(client: Clients) -> None:
    service = client()
    for customer in ("ann", "bob"):
        event = {"source": "s", "event_id": customer, "customer_id": customer, "kind": "visited", "channel": "app"}
        service.post("/v1/events", json=event)
    before = service.get("/v1/policy").headers["etag"]
    body = {"imported": False, "offers": [{**CAT, "offer_id": "own"}]}
    told = service.post("/v1/offers/preview", json=body).json()
    assert (told["offers_before"], told["offers_after"], told["customers"]) == (7, 1, 2)
    assert (told["reached_after"], {each["after"]["offer_id"] for each in told["changed"]}) == (2, {"own"})
    assert service.get("/v1/offers").json() == {}
    assert service.get("/v1/policy").headers["etag"] == before
    assert service.post("/v1/policy/preview", json={"caps": 3}).json()["errors"][0]["pointer"] == "/caps"


def test_a_file_that_was_broken_by_hand_is_replaced_by_force_only(client: Clients, place: Path) -> None:
    service = client()
    put(service, "/v1/policy", CAP)
    (place / "policy.json").write_text("{")
    read = service.get("/v1/policy")
    assert (read.status_code, read.json()) == (200, CAP)
    assert put(service, "/v1/policy", {}, **{"If-Match": read.headers["etag"]}).status_code == 200


def test_without_a_journal_no_document_is_changed(client: Clients, place: Path) -> None:
    (place / "nowhere").write_text("a file")
    service = client(journal=Journal(f"sqlite:///{place / 'nowhere' / 'journal.db'}"))
    answer = put(service, "/v1/policy", CAP, **{"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (503, "journal_unavailable")
    assert not (place / "policy.json").exists()

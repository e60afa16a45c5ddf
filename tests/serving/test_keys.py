"""Who may call what: without a key nothing, with one its scopes and no more."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest

from features.domain import Instant
from serving.journal import Cause, Journal
from serving.journal.keys import Scope, make_key, revoke_key
from serving.policy.document import Name
from tests.journeys.town import Touchpoint, Town

CAUSE = Cause(Instant(0), "admin", "test")
SCOPES = {
    ("post", "/v1/decisions"): Scope.DECIDE,
    ("get", "/v1/decisions/{decision_id}"): Scope.READ,
    ("post", "/v1/decisions/{decision_id}/replay"): Scope.READ,
    ("post", "/v1/decisions/{decision_id}/outcomes"): Scope.EVENTS,
    ("post", "/v1/events"): Scope.EVENTS,
    ("post", "/v1/customers/lookup"): Scope.READ,
    ("get", "/v1/customers/{customer_id}"): Scope.READ,
    ("post", "/v1/customers/{customer_id}/split"): Scope.ADMIN,
    ("post", "/v1/customers/{customer_id}/consents"): Scope.EVENTS,
    ("get", "/v1/customers/{customer_id}/export"): Scope.ADMIN,
    ("delete", "/v1/customers/{customer_id}"): Scope.ADMIN,
    ("post", "/v1/contacts/{contact_id}/confirm"): Scope.DECIDE,
    ("post", "/v1/contacts/{contact_id}/release"): Scope.DECIDE,
    ("get", "/v1/contacts/overdrawn"): Scope.READ,
    ("get", "/v1/followups"): Scope.DECIDE,
    ("get", "/v1/customers/{customer_id}/offers"): Scope.DECIDE,
    ("post", "/v1/jobs"): Scope.DECIDE,
    ("get", "/v1/jobs/{job_id}"): Scope.DECIDE,
    ("post", "/v1/jobs/{job_id}/resume"): Scope.DECIDE,
    ("get", "/v1/jobs/{job_id}/files/{name}"): Scope.DECIDE,
    ("get", "/v1/catalogue"): Scope.READ,
    ("post", "/v1/personas/{persona_id}/decide"): Scope.DECIDE,
    **{("get", f"/v1/{name}"): Scope.READ for name in Name},
    **{("get", f"/v1/history/{name}"): Scope.READ for name in Name},
    **{(method, f"/v1/{name}"): Scope.ADMIN for name in Name for method in ("put", "delete")},
    **{("post", f"/v1/{name}/preview"): Scope.ADMIN for name in (Name.POLICY, Name.OFFERS)},
    ("get", "/v1/offers/{offer_id}"): Scope.READ,
    ("put", "/v1/offers/{offer_id}"): Scope.ADMIN,
    ("delete", "/v1/offers/{offer_id}"): Scope.ADMIN,
    ("get", "/metrics"): Scope.READ,
    ("post", "/v1/clock"): Scope.ADMIN,
}
OPEN = {("get", "/health/live"), ("get", "/health/ready"), ("get", "/version"), ("get", "/v1/schemas/{name}")}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/clock": {"now": "2100-01-01T00:00:00Z"},
    "/v1/decisions": {"customer_id": "ann"},
    "/v1/decisions/{decision_id}/outcomes": {"outcomes": [{"kind": "clicked"}]},
    "/v1/personas/{persona_id}/decide": {},
    "/v1/jobs": {"audience": {"customer_ids": ["ann"]}},
    "/v1/events": {"event_id": "1", "customer_id": "ann", "kind": "visited", "channel": "app"},
    "/v1/customers/lookup": {"namespace": "card", "value": "1"},
    "/v1/customers/{customer_id}/split": {"names": [{"namespace": "card", "value": "1"}], "reason": "r"},
    "/v1/customers/{customer_id}/consents": {"purpose": "profiling", "granted": False, "source": "form"},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Touchpoint]:
    """A service with keys in force."""
    with Town(tmp_path_factory.mktemp("town")) as town:
        yield town.touchpoint("desk", "app", access="keys")


@pytest.fixture
def journal(desk: Touchpoint) -> Iterator[Journal]:
    journal = Journal(f"sqlite:///{desk.town.folder / 'journal.db'}")
    yield journal
    journal.close()


def key(journal: Journal, *scopes: Scope, name: str | None = None) -> tuple[str, str]:
    """The id of a new key, and the key; of a caller of its own unless one is named."""
    caller = name or token_hex(4)
    made, token = journal.write(lambda t: make_key(t.connection, caller, frozenset(scopes), CAUSE))
    return made.key_id, token


def call(desk: Touchpoint, method: str, path: str, authorization: str | None) -> Any:
    where = path.format(
        customer_id="ann", decision_id="d", offer_id="o", contact_id="c", persona_id="p", job_id="j", name="n"
    )
    headers = {} if authorization is None else {"authorization": authorization}
    asked = {"campaign": "autumn", "send": "1"} if path == "/v1/customers/{customer_id}/offers" else None
    return desk.client.request(method, where, json=BODIES.get(path), params=asked, headers=headers)


def test_every_call_has_a_scope_or_is_open_to_all(desk: Touchpoint) -> None:
    paths = desk.client.get("/openapi.json").json()["paths"]
    assert {(method, path) for path, methods in paths.items() for method in methods} == SCOPES.keys() | OPEN


@pytest.mark.parametrize(("method", "path"), SCOPES)
def test_without_its_scope_a_key_opens_nothing(desk: Touchpoint, journal: Journal, method: str, path: str) -> None:
    scope = SCOPES[method, path]
    _, right = key(journal, scope)
    _, others = key(journal, *(each for each in Scope if each is not scope))
    revoked_id, revoked = key(journal, scope)
    assert call(desk, method, path, f"Bearer {revoked}").status_code not in (401, 403)
    journal.write(lambda t: revoke_key(t.connection, revoked_id, CAUSE))
    for authorization, status, code in (
        (None, 401, "key_missing"),
        ("", 401, "key_missing"),
        ("Bearer", 401, "key_missing"),
        (f"Basic {right}", 401, "key_missing"),
        ("Bearer kairos_unknown", 401, "key_invalid"),
        (f"Bearer {right}x", 401, "key_invalid"),
        (f"Bearer {revoked}", 401, "key_invalid"),
        (f"Bearer {others}", 403, "scope_missing"),
    ):
        answer = call(desk, method, path, authorization)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        problem = answer.json()
        assert problem["code"] == code
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert right not in answer.text
    assert call(desk, method, path, f"Bearer {right}").status_code not in (401, 403)


def test_two_keys_of_one_caller_are_valid_at_once_and_no_key_is_kept(desk: Touchpoint, journal: Journal) -> None:
    tokens = [key(journal, Scope.EVENTS, name="shop")[1] for _ in range(2)]
    for token in tokens:
        assert call(desk, "post", "/v1/events", f"Bearer {token}").status_code == 200
    journal.close()
    for file in desk.town.folder.iterdir():
        if file.is_file():
            assert not any(token.encode() in file.read_bytes() for token in tokens)

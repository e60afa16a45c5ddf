"""What a running service writes about itself names nobody."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.journeys.town import Town
from training.child import Child, child

SECRETS = {
    "phone": "+49 171 5550123",
    "email": "Wilhelmina.Nobody@example.org",
    "card": "card-7d1f0c9be2a34c55",
    "customer_id": "crm-5be1f7a2c0d94e11",
    "name": "Wilhelmina Nobody",
}
TRACES = [*SECRETS.values(), "1715550123", "491715550123", "5550123", "wilhelmina.nobody", "Nobody"]
EVENT = {
    "source": "till",
    "event_id": "1",
    "customer_id": SECRETS["customer_id"],
    "identities": [{"namespace": each, "value": SECRETS[each]} for each in ("phone", "email", "card")],
    "kind": "purchased",
    "channel": "store",
    "category": "tea",
    "name": SECRETS["name"],
    "traits": {"email": SECRETS["email"], "phone": SECRETS["phone"]},
}
NAMES = [{"namespace": "phone", "value": SECRETS["phone"]}]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Child, Path]]:
    """A service of its own process with the log it writes."""
    folder = tmp_path / "files"
    folder.mkdir()
    with Town(folder):
        (folder / "feast").mkdir()
        (folder / "online.db").replace(folder / "feast" / "online.db")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    log = tmp_path / "service.log"
    environ = {**os.environ, "KAIROS_DATA_DIR": str(tmp_path), "KAIROS_SOURCE": "files", "KAIROS_PORT": str(port)}
    with child([sys.executable, "-m", "serving"], "127.0.0.1", port, log, environ) as server:
        server.wait_until_up("/health/ready", timeout_s=60)
        yield server, log


def ask(server: Child, method: str, path: str, body: object = None, content: bytes | None = None) -> int:
    data = content if content is not None else json.dumps(body).encode() if body is not None else None
    request = Request(server.address + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urlopen(request, timeout=60) as answer:
            answer.read()
            return int(answer.status)
    except HTTPError as error:
        error.read()
        return error.code


@pytest.mark.slow
def test_no_personal_data_in_the_log_of_a_service_that_was_asked_everything(service: tuple[Child, Path]) -> None:
    server, log = service
    customer = f"/v1/customers/{SECRETS['customer_id']}"
    phone = {"namespace": "phone", "value": SECRETS["phone"]}
    decision = {"identities": NAMES, "channels": ["app"]}
    statuses = [
        ask(server, "POST", "/v1/events", EVENT),
        ask(server, "POST", "/v1/events", {"events": [EVENT, {**EVENT, "kind": "flown"}, 7]}),
        ask(server, "POST", "/v1/events", {**EVENT, "identities": [{"namespace": "phone", "value": "Nobody"}]}),
        ask(server, "POST", "/v1/events", content=json.dumps(EVENT).encode()[:-1]),
        ask(server, "POST", "/v1/decisions", decision),
        ask(server, "POST", "/v1/decisions", {**decision, "kind": SECRETS["name"]}),
        ask(server, "POST", "/v1/decisions", {**decision, "events": [EVENT], "at": SECRETS["name"]}),
        ask(server, "POST", "/v1/customers/lookup", phone),
        ask(server, "POST", "/v1/customers/lookup", {"namespace": "email", "value": SECRETS["name"]}),
        ask(server, "GET", customer),
        ask(server, "POST", f"{customer}/consents", {"purpose": "profiling", "granted": False, "source": "form"}),
        ask(server, "GET", f"{customer}/export"),
        ask(server, "POST", f"{customer}/split", {"names": [phone], "reason": SECRETS["name"]}),
        ask(server, "DELETE", customer),
        ask(server, "GET", customer),
        ask(server, "GET", f"/nowhere/{SECRETS['card']}"),
    ]
    assert statuses == [200, 200, 200, 400, 200, 422, 422, 200, 422, 200, 200, 200, 200, 200, 404, 404]
    told = log.read_text()
    assert "Kairos answers at" in told
    assert "ERROR" not in told
    found = [trace for trace in TRACES if trace.casefold() in told.casefold()]
    assert not found, told


def test_no_answer_to_a_refusal_repeats_a_raw_number_or_address(tmp_path: Path) -> None:
    with Town(tmp_path) as town:
        client = town.touchpoint("desk", "app").client
        for namespace, value in (
            ("phone", f"{SECRETS['phone']}999999999999"),
            ("email", f"{SECRETS['email']}@twice"),
            ("email", [SECRETS["email"]]),
            ("card", SECRETS["name"] * 100),
        ):
            answer = client.post("/v1/customers/lookup", json={"namespace": namespace, "value": value})
            assert answer.status_code == 422
            assert not [trace for trace in TRACES if trace.casefold() in answer.text.casefold()]

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from serving.app import serve
from serving.meter import METRICS, SECONDS
from serving.parts import Parts
from tests.bench.bench_meter import costs

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(client: TestClient) -> dict[Sample, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def value(found: dict[Sample, float], name: str, /, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


def test_every_answer_is_counted_once_with_its_channel_and_its_time(client: Callable[..., TestClient]) -> None:
    service = client()
    for _ in range(3):
        assert service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).status_code == 200
    dry = service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion", "dry_run": True}).json()
    found = samples(service)
    counted = {labels: n for (name, labels), n in found.items() if name == "kairos_decisions_total"}
    assert sum(counted.values()) == 4
    assert sum(n for labels, n in counted.items() if ("recorded", "yes") in labels) == 3
    assert value(found, "kairos_decision_seconds_count") == 4
    assert value(found, "kairos_decision_seconds_bucket", le="+Inf") == 4
    assert (value(found, "kairos_first_choice_total", channel=dry["items"][0]["channel"]) or 0) >= 1
    assert value(found, "kairos_ready") == 1
    assert value(found, "kairos_model", version="fake-1") == 1
    assert value(found, "kairos_fallback_share") == 0


def test_a_fallback_is_counted_by_what_was_missing(client: Callable[..., TestClient], place: Path) -> None:
    (place / "champion.json").unlink()
    service = client()
    assert service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"}).json()["fallback"]
    found = samples(service)
    assert value(found, "kairos_fallback_total", reason="model_missing") == 1
    assert value(found, "kairos_fallback_share") == 1
    assert value(found, "kairos_ready") == 0


def test_no_customer_stands_in_a_label(client: Callable[..., TestClient]) -> None:
    service = client()
    service.post("/v1/decisions", json={"customer_id": "ann", "kind": "promotion"})
    assert "ann" not in {label for _, labels in samples(service) for _, label in labels}


def test_what_the_monitor_found_is_shown_and_what_it_made_up_is_not(
    parts: Callable[..., Parts], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    with TestClient(serve(replace(parts(), monitor=report))) as service:
        assert value(samples(service), "kairos_alert", name="drift") is None
        gauges = [
            {"metric": "kairos_alert", "labels": ["drift"], "value": 1.0},
            {"metric": "kairos_drift", "labels": ["feature", "customer_trend"], "value": 0.4},
            {"metric": "kairos_decisions", "labels": ["a", "b", "c"], "value": 9.0},
            {"metric": "kairos_drift", "labels": ["feature"], "value": 9.0},
        ]
        report.write_text(json.dumps({"gauges": gauges, "for people": "words"}))
        found = samples(service)
        assert value(found, "kairos_alert", name="drift") == 1
        assert value(found, "kairos_drift", of="feature", name="customer_trend") == 0.4
        assert value(found, "kairos_decisions_total", outcome="a", group="b", recorded="c") is None
        assert value(found, "kairos_drift", of="feature") is None
        assert (value(found, "kairos_monitor_age_seconds") or -1) >= 0
        report.write_text("half a docum")
        assert value(samples(service), "kairos_alert", name="drift") is None


def test_with_keys_the_page_needs_one(parts: Callable[..., Parts]) -> None:
    with TestClient(serve(replace(parts(), access="keys"))) as service:
        assert service.get("/metrics").status_code == 401


def test_bounds_of_times_ascend_and_every_metric_has_a_sentence() -> None:
    assert list(SECONDS) == sorted(SECONDS)
    assert all(metric.meaning.endswith(".") for metric in METRICS.values())


def test_counting_costs_less_than_the_counters_of_the_library() -> None:
    found = costs(3_000)
    assert found.ours < found.theirs

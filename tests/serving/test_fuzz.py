"""Every endpoint is fuzzed from its own description: whatever comes, there is an answer of those it tells of."""

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error, response_schema_conformance, status_code_conformance

from serving.settings import read_settings
from tests.journeys.town import Town

HANGS_S = 30.0
"""Longer than this no call may take, on however busy a machine."""
KNOWN = ("device", "known")


def examples() -> int:
    """Per endpoint, of well-formed and of malformed calls each."""
    return 300 if read_settings(os.environ).proof_size == "full" else 6


@pytest.mark.slow
@pytest.mark.proof(name="fuzz")
def test_no_call_ends_in_a_failure_or_without_an_answer(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with Town(tmp_path) as town:
        touchpoint = town.touchpoint("fuzz", "app")
        client = touchpoint.client
        customer = touchpoint.sees("visited", KNOWN, category="tea")["customer_id"]
        decision = touchpoint.decides(KNOWN).answer["decision_id"]
        known = {"customer_id": customer, "decision_id": decision}
        schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        schema.app = client.app
        answers: Counter[int] = Counter()
        slowest = 0.0
        for operation in (found.ok() for found in schema.get_all_operations()):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                @settings(max_examples=examples(), deadline=None, suppress_health_check=list(HealthCheck))
                @given(case=operation.as_strategy(generation_mode=mode), of_known=st.booleans())
                def ask(case: schemathesis.Case, of_known: bool) -> None:
                    nonlocal slowest
                    if of_known and case.method != "DELETE":
                        case.path_parameters = {name: known.get(name, name) for name in case.path_parameters or {}}
                    started = time.perf_counter()
                    response = case.call(session=client)
                    slowest = max(slowest, time.perf_counter() - started)
                    answers[response.status_code] += 1
                    assert slowest < HANGS_S
                    told = [not_a_server_error, status_code_conformance, response_schema_conformance]
                    case.validate_response(response, checks=told)
                    if response.status_code >= 400 and case.method != "HEAD":
                        assert response.headers["content-type"] == ["application/problem+json"], case.as_curl_command()
                        assert response.json()["code"]

                try:
                    ask()
                except schemathesis.core.errors.InvalidSchema as error:
                    pytest.fail(f"{operation.label}: {error}")
                except Exception as error:
                    if type(error).__name__ != "Unsatisfiable":
                        raise
    record_property("calls", answers.total())
    record_property("by_status", dict(sorted(answers.items())))
    record_property("slowest_s", round(slowest, 2))
    assert answers[200] > 0
    assert answers[422] > 0

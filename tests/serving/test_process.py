from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from features.domain import Instant
from serving.__main__ import greeting
from serving.identifier import uuid7
from serving.settings import read_settings

HEAVY = ("ibis", "duckdb", "mlflow", "feast", "pandas", "pyarrow", "lightgbm", "sklearn", "scipy.sparse")
"""Of scipy the compiler of the trees asks for the version, where it is installed; what counts is its contents."""


@pytest.mark.slow
def test_the_service_starts_without_the_training_stack(tmp_path: Path) -> None:
    code = (
        "import sys, serving.__main__\n"
        "from serving.app import create_app\n"
        "from serving.settings import read_settings\n"
        f"create_app(read_settings({{'KAIROS_DATA_DIR': {str(tmp_path)!r}}}))\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_starting_says_as_of_when_decisions_are_made() -> None:
    simulated = greeting(read_settings({"KAIROS_AS_OF": "2017-10-01T00:00:00Z"}))
    assert "SIMULATED: decisions are made as of 2017-10-01T00:00:00Z" in simulated
    assert "http://127.0.0.1:8000/docs" in simulated
    assert "SIMULATED" not in greeting(read_settings({"KAIROS_SOURCE": "files"}))


def test_identifiers_are_uuids_that_sort_by_time() -> None:
    earlier, later = uuid7(Instant(1_000_000), b"\xff" * 10), uuid7(Instant(2_000_000), bytes(10))
    assert earlier < later
    for made in (earlier, later):
        assert (UUID(made).version, UUID(made).variant) == (7, "specified in RFC 4122")
    assert int(UUID(earlier)) >> 80 == 1_000

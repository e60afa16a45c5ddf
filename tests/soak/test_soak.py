"""Hours of load in minutes: at 70 % of what it can, the service's memory stays flat, nothing fails, nothing slows."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from features.clock import SystemClock
from serving.settings import Settings, read_settings, variables
from tests.bench.load import HOST, Target, ask, free_port, pace
from tests.conftest import forget_probabilities, settings_of
from training.child import child
from training.promote import promote
from training.train import train

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS, WINDOWS = 8, 12
SHARE = 0.7
GROWTH_MB, GROWTH = 24, 0.06
"""What the process may take more at the end than after a quarter of the time, in MB or as a share."""
DRIFT = 1.5
"""p99 of the last third as a multiple of that of the first third, at most; at full size only, as is keeping pace."""


@pytest.mark.slow
@pytest.mark.proof(name="soak")
def test_under_steady_load_memory_is_flat_nothing_fails_and_nothing_slows(
    small_store: Settings, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    full = read_settings(os.environ).proof_size == "full"
    seconds = 1_800.0 if full else 6.0
    shutil.copytree(small_store.data_dir, tmp_path / "data")
    settings = settings_of(tmp_path / "data")
    forget_probabilities(settings.contract_dir)
    train(settings)
    promote(settings, SystemClock(), "soak")
    port = free_port()
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        **variables(settings),
        "KAIROS_PORT": str(port),
        "KAIROS_DEADLINE_MS": "5000",
    }
    bodies = [json.dumps({"customer_id": f"c{n:03d}", "kind": "reward"}).encode() for n in range(200)]
    with child([sys.executable, "-m", "serving"], HOST, port, tmp_path / "serving.log", environ) as server:
        server.wait_until_up("/health/ready", timeout_s=180)
        target = Target(server.pid, port, "/v1/decisions", bodies)
        ask(target, CONNECTIONS, 1.0)
        capacity = ask(target, CONNECTIONS, 10.0 if full else 2.0).per_second
        windows = pace(target, CONNECTIONS, SHARE * capacity, seconds, WINDOWS)
    resident = [window.resident_mb for window in windows]
    hours = (np.arange(WINDOWS) + 1) * seconds / WINDOWS / 3_600
    settled = WINDOWS // 4
    slope = float(np.polyfit(hours[settled:], resident[settled:], 1)[0])
    grown = resident[-1] - resident[settled]
    third = WINDOWS // 3
    drift = median(w.p99_ms for w in windows[-third:]) / median(w.p99_ms for w in windows[:third])
    record_property("capacity_per_second", capacity)
    record_property("answers", sum(window.answers for window in windows))
    record_property("failed", sum(window.failed for window in windows))
    record_property("resident_mb", [round(mb, 1) for mb in resident])
    record_property("slope_mb_per_hour", slope)
    record_property("p99_ms", [round(window.p99_ms, 1) for window in windows])
    record_property("p99_drift", drift)
    assert sum(window.failed for window in windows) == 0
    assert grown <= max(GROWTH_MB, GROWTH * resident[settled]), f"{slope:.0f} MB an hour"
    if full:
        assert sum(window.answers for window in windows) > 0.9 * SHARE * capacity * seconds
        assert drift <= DRIFT

"""A month of load in half an hour: at 70 % of what it can, the service's memory stays flat, nothing fails or slows."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from features.clock import SystemClock
from serving.settings import Settings, read_settings
from tests.conftest import CUSTOMERS, forget_probabilities, settings_of, write_world
from tests.soak.steady import SHARE, WINDOWS, live
from training.materialise import materialise
from training.promote import promote
from training.train import train

MANY = 3_000
"""Customers at full size: more than anything in memory is kept of."""
GROWTH_MB, GROWTH = 24, 0.06
"""What the process may take more at the end than after a quarter of the time, in MB or as a share."""
DRIFT = 1.5
"""p99 of the last third as a multiple of that of the first third, at most; at full size only, as is keeping pace."""
MOST_GB = 8.0
"""That the journal may have grown to."""


@pytest.mark.slow
@pytest.mark.proof(name="soak")
def test_under_steady_load_memory_is_flat_nothing_fails_and_nothing_slows(
    small_store: Settings, record_property: Callable[[str, object], None]
) -> None:
    full = read_settings(os.environ).proof_size == "full"
    seconds = 1_800.0 if full else 6.0
    with TemporaryDirectory(prefix="kairos-soak-") as folder:  # pytest would keep gigabytes of the last three runs
        settings = _trained(small_store, Path(folder), MANY if full else CUSTOMERS)
        if full:
            lived = live(settings, MANY, settle_s=120.0, measure_s=10.0, seconds=seconds)
        else:
            lived = live(settings, CUSTOMERS, settle_s=1.0, measure_s=2.0, seconds=seconds)
    windows, capacity = lived.windows, lived.capacity_per_second
    own = [window.anonymous_mb for window in windows]
    hours = (np.arange(WINDOWS) + 1) * seconds / WINDOWS / 3_600
    settled = WINDOWS // 4
    slope = float(np.polyfit(hours[settled:], own[settled:], 1)[0])
    grown = own[-1] - own[settled]
    third = WINDOWS // 3
    drift = median(w.p99_ms for w in windows[-third:]) / median(w.p99_ms for w in windows[:third])
    record_property("capacity_per_second", capacity)
    record_property("answers", sum(window.answers for window in windows))
    record_property("failed", sum(window.failed for window in windows))
    record_property("recorded_share", lived.recorded_share)
    record_property("silent_share", lived.silent_share)
    record_property("resident_mb", [round(window.resident_mb, 1) for window in windows])
    record_property("anonymous_mb", [round(mb, 1) for mb in own])
    record_property("slope_mb_per_hour", slope)
    record_property("p99_ms", [round(window.p99_ms, 1) for window in windows])
    record_property("p99_drift", drift)
    record_property("journal_gb", lived.journal_gb)
    assert sum(window.failed for window in windows) == 0
    assert lived.recorded_share == 1.0
    assert grown <= max(GROWTH_MB, GROWTH * own[settled]), f"{slope:.0f} MB an hour"
    assert lived.journal_gb <= MOST_GB
    if full:
        assert sum(window.answers for window in windows) > 0.9 * SHARE * capacity * seconds
        assert drift <= DRIFT


def _trained(small: Settings, folder: Path, customers: int) -> Settings:
    """The small world after ``make train promote``, or one like it with so many customers and the same model."""
    settings = settings_of(folder / "small")
    shutil.copytree(small.data_dir, settings.data_dir)
    forget_probabilities(settings.contract_dir)
    train(settings)
    promote(settings, SystemClock(), "soak")
    if customers == CUSTOMERS:
        return settings
    large = settings_of(folder / "large")
    write_world(large.contract_dir, customers=customers)
    materialise(large, progress=False)
    shutil.copytree(settings.models_dir, large.models_dir)
    shutil.copy(settings.source_dir / "champion.json", large.source_dir)
    return large

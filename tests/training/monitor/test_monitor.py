from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serving.settings import Settings, read_settings
from tests.journeys.town import Touchpoint, Town
from training.monitor.monitor import Told, monitor

CUSTOMERS = 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    told = {"KAIROS_DATA_DIR": str(tmp_path), "KAIROS_SOURCE": "files", "KAIROS_MONITOR_LEAST": "30"}
    return read_settings(told)


def week(store: Touchpoint, visits: int, buying: int, first: int = 0) -> None:
    """Customers look at cats, are offered something, and the first of them buy."""
    for number in range(first, first + CUSTOMERS):
        name = ("crm", f"c{number}")
        for _ in range(visits):
            store.sees("visited", name, category="cat")
        decided = store.decides(name)
        if number - first < buying and decided.first:
            store.sees("purchased", name, category="cat", value_minor=900)


def found(told: Told) -> dict[str, Any]:
    return {alert.name: alert.on for alert in told.alerts}


@pytest.mark.slow
def test_a_quiet_month_raises_no_alert_and_a_changed_week_does(settings: Settings) -> None:
    settings.source_dir.mkdir(parents=True)
    with Town(settings.source_dir) as town:
        store = town.touchpoint("store", "store")
        week(store, visits=1, buying=0)
        town.later(days=9)
        week(store, visits=1, buying=0, first=100)
        town.later(days=0.1)
        quiet = found(monitor(settings, town.clock))
        assert quiet["drift_feature"] is False
        assert quiet["fallback"] is False
        assert quiet["drift_prediction"] is False

        town.later(days=9)
        week(store, visits=6, buying=0, first=1_000)
        town.later(days=0.1)
        told = monitor(settings, town.clock)
        assert found(told)["drift_feature"] is True
        assert found(told)["drift_prediction"] is True
        sentence = next(a.sentence for a in told.alerts if a.name == "drift_feature")
        assert "customer_interest" in sentence
        assert [a.on for a in told.alerts] == sorted((a.on for a in told.alerts), key=lambda on: (on is None, not on))

        document = json.loads(settings.monitor_file.read_text())
        assert document["decisions"] == CUSTOMERS
        assert (settings.monitor_dir / "monitor.png").stat().st_size > 10_000
        metrics = town.touchpoint("desk", "store", monitor=settings.monitor_file).client.get("/metrics").text
        assert 'kairos_alert{name="drift_feature"} 1.0' in metrics
        assert 'kairos_alert{name="fallback"} 0.0' in metrics


@pytest.mark.slow
def test_calibration_is_of_offers_whose_window_has_ended(settings: Settings) -> None:
    settings.source_dir.mkdir(parents=True)
    with Town(settings.source_dir) as town:
        store = town.touchpoint("store", "store")
        week(store, visits=1, buying=CUSTOMERS)
        town.later(days=1)
        assert found(monitor(settings, town.clock))["calibration"] is None
        town.later(days=7)
        told = monitor(settings, town.clock)
        seen = told.compared.calibration["store"]
        assert seen.rows >= CUSTOMERS
        assert seen.taken >= CUSTOMERS  # everybody bought, which was not to be expected
        assert found(told)["calibration"] is True


@pytest.mark.slow
def test_a_service_without_its_model_raises_the_alert_of_fallback(settings: Settings) -> None:
    settings.source_dir.mkdir(parents=True)
    with Town(settings.source_dir) as town:
        (settings.source_dir / "champion.json").unlink()
        week(town.touchpoint("store", "store"), visits=1, buying=0)
        told = monitor(settings, town.clock)
        assert found(told)["fallback"] is True
        assert told.recent.fallback["model_missing"] == CUSTOMERS
        assert found(monitor(replace(settings, monitor_least=10_000), town.clock))["fallback"] is None

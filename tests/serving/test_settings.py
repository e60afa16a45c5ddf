from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from features.errors import KairosError, SettingsError
from features.instant import parse_instant
from serving.setting_table import SETTINGS
from serving.settings import Settings, read_settings


def test_an_empty_environment_gives_the_defaults_of_the_table() -> None:
    settings = read_settings({})
    assert (settings.data_dir, settings.source, settings.port) == (Path(".data"), "complete_journey", 8000)
    assert settings.starbucks is None


def test_the_table_and_the_typed_settings_name_the_same_settings_in_the_same_order() -> None:
    assert [row.name for row in SETTINGS] == [field.name for field in fields(Settings)]


def test_every_row_says_what_it_is_in_one_sentence() -> None:
    for row in SETTINGS:
        assert row.sentence.endswith("."), row.name
        assert row.sentence.count(". ") == 0, row.name


def test_values_are_read_with_their_types() -> None:
    settings = read_settings(
        {
            "KAIROS_PORT": "9000",
            "KAIROS_MARGIN_SHARE": "0.25",
            "KAIROS_STARBUCKS": "/data/starbucks",
            "KAIROS_AS_OF": "2017-10-01T00:00:00Z",
        }
    )
    assert (settings.port, settings.margin_share, settings.starbucks) == (9000, 0.25, Path("/data/starbucks"))
    assert settings.as_of == parse_instant("2017-10-01T00:00:00Z")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings({"KAIROS_PORT": "", "KAIROS_AS_OF": " "}) == read_settings({})


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("KAIROS_PORT", "http", "whole number from 1 to 65535"),
        ("KAIROS_PORT", "0", "whole number from 1 to 65535"),
        ("KAIROS_SOURCE", "starbuck", "complete_journey, starbucks, files"),
        ("KAIROS_MARGIN_SHARE", "1.5", "number from 0 to 1"),
        ("KAIROS_MARGIN_SHARE", "nan", "number from 0 to 1"),
        ("KAIROS_COST_MAILER_MINOR", "-1", "number from 0"),
        ("KAIROS_DEADLINE_MS", "-1", "number from 0"),
        ("KAIROS_AS_OF", "2017-10-01", "2017-10-01T12:00:00Z"),
        ("KAIROS_CURRENCY", "usd", "ISO 4217"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_remedy(variable: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({variable: value})
    assert f"{variable}={value!r}" in str(caught.value)
    assert remedy in str(caught.value)
    assert isinstance(caught.value, KairosError)


def test_a_misspelt_variable_is_refused_with_the_closest_name() -> None:
    with pytest.raises(SettingsError, match="KAIROS_MARGIN is not a setting: did you mean KAIROS_MARGIN_SHARE"):
        read_settings({"KAIROS_MARGIN": "0.3"})


def test_variables_of_others_are_none_of_our_business() -> None:
    assert read_settings({"PORT": "x", "MLFLOW_TRACKING_URI": "y"}) == read_settings({})


@pytest.mark.parametrize(
    ("environ", "clock"),
    [
        ({}, "simulated"),
        ({"KAIROS_SOURCE": "starbucks"}, "simulated"),
        ({"KAIROS_SOURCE": "files"}, "system"),
        ({"KAIROS_SOURCE": "files", "KAIROS_CLOCK": "simulated"}, "simulated"),
        ({"KAIROS_CLOCK": "system"}, "system"),
    ],
)
def test_demonstration_data_run_by_the_simulated_clock_unless_said_otherwise(
    environ: dict[str, str], clock: str
) -> None:
    assert read_settings(environ).clock == clock


def test_settings_cannot_be_changed_after_reading() -> None:
    with pytest.raises(FrozenInstanceError):
        read_settings({}).port = 1  # type: ignore[misc]


def test_each_source_has_a_folder_of_its_own() -> None:
    settings = read_settings({"KAIROS_DATA_DIR": "/tmp/k", "KAIROS_SOURCE": "starbucks"})
    assert settings.contract_dir == Path("/tmp/k/starbucks/contract")
    assert settings.mlflow_uri == "sqlite:////tmp/k/mlflow.db"

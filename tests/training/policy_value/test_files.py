from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from features.errors import ContractError
from serving.settings import Settings, read_settings
from training.evaluate import evaluate_source
from training.policy_value.decide import decide
from training.policy_value.folder import checked, everybody, read
from training.policy_value.harm import harmless
from training.value.trial import NONE

Mailing = tuple[Path, NDArray[np.float64]]


def settings_of(data_dir: Path, folder: Path) -> Settings:
    chosen = {"DATA_DIR": data_dir, "SOURCE": "files", "FILES": folder}
    return read_settings({f"KAIROS_{name}": str(value) for name, value in chosen.items()})


@pytest.fixture(scope="module")
def told(mailing: Mailing, tmp_path_factory: pytest.TempPathFactory) -> dict:
    settings = settings_of(tmp_path_factory.mktemp("kairos"), mailing[0])
    evaluate_source(settings)
    return json.loads((settings.reports_dir / "policies_files.json").read_text())


@pytest.mark.slow
def test_one_wave_without_events_is_judged_and_the_truth_lies_in_the_intervals(told: dict, mailing: Mailing) -> None:
    truth = mailing[1]
    assert told["arms"] == [NONE, "blue", "red"]
    for policy, value in ((NONE, truth[:, 0].mean()), ("random, as logged", truth.mean())):
        _, low, high = told["policies"][policy]["doubly_robust"]
        slack = (high - low) / 2  # 95 % intervals, widened to twice their width: missed once in 12,000
        assert low - slack < value < high + slack


@pytest.mark.slow
def test_a_clear_effect_is_found_and_personal_choice_is_served(told: dict) -> None:
    assert told["served"]["personal"]
    assert told["policies"]["Kairos"]["against_best_constant"]["answer"] == "above"
    assert told["fixed_volume"]["Kairos, ungated"]["gain"][1] > 0
    assert told["uplift"]["red"]["qini_per_1000"][0] > 0


@pytest.mark.slow
def test_what_is_decided_earns_most_of_what_the_truth_would(mailing: Mailing, tmp_path: Path) -> None:
    folder, truth = mailing
    said = decide(settings_of(tmp_path / "kairos", folder), tmp_path / "out.parquet")
    assert "6,000 customers" in said
    out = pq.read_table(tmp_path / "out.parquet").to_pandas()
    rows = truth[out["customer_id"].str[1:].astype(int)]
    probability = out[["p_none", "p_blue", "p_red"]].to_numpy()
    assert probability.sum(axis=1) == pytest.approx(1.0)
    assert (probability > 0).all()
    best, oracle = truth.mean(axis=0).max(), truth.max(axis=1).mean()
    assert (probability * rows).sum(axis=1).mean() > best + 0.5 * (oracle - best)
    again = decide(settings_of(tmp_path / "again", folder), tmp_path / "again.csv")
    assert "6,000 customers" in again
    assert (tmp_path / "again.csv").read_text().count("\n") == 6_001


def test_a_gain_that_is_noise_is_not_served(mailing: Mailing, tmp_path: Path) -> None:
    folder = read(checked(settings_of(tmp_path, mailing[0])))
    noise = np.random.default_rng(0).normal(size=(len(folder.trial), 3))
    assert not harmless(folder.trial, noise).personal


@pytest.mark.slow
def test_columns_beyond_the_contract_are_used_for_the_folder_alone(mailing: Mailing, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    for file in mailing[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    customers = pq.read_table(folder / "customers.parquet")
    words = ["town" if i % 3 else "village" for i in range(len(customers))]
    pq.write_table(
        customers.append_column("visits", [list(range(len(customers)))]).append_column("lives", [words]),
        folder / "customers.parquet",
    )
    found = read(checked(settings_of(tmp_path / "kairos", folder)))
    assert found.own == ("visits", "lives: town", "lives: village")
    asked, seen, opened = everybody(found)
    place = {name: i for i, name in enumerate(seen.names)}
    number = np.array([int(c[1:]) for c in asked["customer_id"].to_pylist()])
    assert (seen.X[:, place["visits"]] == number).all()
    assert opened.all()


def test_an_arm_that_was_hardly_ever_used_stays_in_the_log_and_is_given_to_nobody(
    mailing: Mailing, tmp_path: Path
) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    for file in mailing[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    offers = pq.read_table(folder / "offers.parquet").to_pandas()
    offers.loc[len(offers)] = offers.loc[0]
    offers.loc[len(offers) - 1, "offer_id"] = "green"
    offers.to_parquet(folder / "offers.parquet")
    decisions = pq.read_table(folder / "decisions.parquet").to_pandas()
    decisions.loc[decisions.index[decisions["offer_id"] == "red"][:40], "offer_id"] = "green"
    decisions.to_parquet(folder / "decisions.parquet")
    found = read(checked(settings_of(tmp_path / "kairos", folder)))
    green = [arm.name for arm in found.trial.arms].index("green")
    assert len(found.trial) == 6_000
    assert (found.trial.arm == green).sum() == 40
    assert not found.trial.open[:, green].any()
    assert any("green" in note for note in found.logged.notes)


def test_without_a_second_arm_or_a_known_suffix_the_message_says_what_to_do(mailing: Mailing, tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "kairos", mailing[0])
    with pytest.raises(ContractError, match=r"name a .parquet or .csv file"):
        decide(settings, tmp_path / "out.txt")

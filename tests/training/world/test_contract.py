from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.contract import TABLES
from features.domain import DAY, Instant
from training.import_data import Import, import_data
from training.world.__main__ import main
from training.world.contract import BEGIN

SMALL = ["--customers", "150", "--days", "20", "--contacts", "300", "--seed", "5"]


@pytest.fixture(scope="module", params=["logistic", "crooked"])
def inside(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(inside: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    assert main([*SMALL, "--inside", inside, "--out", str(out)], {}) == 0
    return out


def imported(folder: Path, data_dir: Path):
    now = Instant(BEGIN + 30 * DAY)
    return import_data(Import("files", data_dir, now, folder, margin_share=0.3, max_quarantine_share=0, progress=False))


def test_the_market_keeps_the_contract(folder: Path, tmp_path: Path) -> None:
    manifest = imported(folder, tmp_path)
    assert manifest.quarantined == {}
    assert manifest.rows["decisions"] > 300
    assert manifest.rows["events"] > 500


def test_contacts_are_made_in_the_customer_s_daytime(folder: Path, tmp_path: Path) -> None:
    imported(folder, tmp_path)
    events = pq.read_table(tmp_path / "files" / "contract" / "events.parquet").to_pandas()
    sent = events[events["kind"] == "sent"]
    hour = (sent["occurred_at"].dt.hour * 60 + sent["occurred_at"].dt.minute + sent["utc_offset_min"]) / 60 % 24
    assert hour.between(8, 21.1).all()
    assert sent["utc_offset_min"].nunique() == 3


def test_every_decision_has_a_probability_and_comes_before_its_contact(folder: Path) -> None:
    decisions = pq.read_table(folder / "decisions.parquet").to_pandas()
    events = pq.read_table(folder / "events.parquet").to_pandas()
    assert decisions["probability"].between(0, 1, inclusive="right").all()
    assert decisions["offer_id"].isna().any()
    sent = events[events["kind"] == "sent"].merge(decisions, on="decision_id", suffixes=("", "_decided"))
    assert len(sent) == decisions["offer_id"].notna().sum()
    assert (sent["decided_at"] < sent["occurred_at"]).all()
    assert (sent["offer_id"] == sent["offer_id_decided"]).all()


def test_a_seed_writes_the_same_tables_again(inside: str, folder: Path, tmp_path: Path) -> None:
    assert main([*SMALL, "--inside", inside, "--out", str(tmp_path)], {}) == 0
    for name in ("customers", "offers", "events", "decisions", "truth/truth"):
        assert pq.read_table(folder / f"{name}.parquet").equals(pq.read_table(tmp_path / f"{name}.parquet"))


def test_the_truth_stands_apart_from_what_may_be_learnt_from(folder: Path) -> None:
    for table in TABLES:
        columns = set(pq.read_table(folder / f"{table.name}.parquet").column_names)
        assert columns <= {column.name for column in table.columns}
    truth = pq.read_table(folder / "truth" / "truth.parquet").to_pandas()
    assert not truth.duplicated(["customer_id", "offer_id", "channel", "hour"]).any()
    assert truth[["noticed", "bought", "organic"]].stack().between(0, 1).all()
    assert (truth["bought"] >= truth["organic"]).all()


def test_a_setting_that_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SMALL, {"KAIROS_SEED": "many"}) == 1
    assert "KAIROS_SEED" in capsys.readouterr().err

import os
from pathlib import Path

import pytest

from serving.settings import read_settings
from training.stage import STAGES, Ledger, Stage, run_stages

WRITES = """
import os, pathlib
folder = pathlib.Path(os.environ["KAIROS_DATA_DIR"]) / "files"
folder.mkdir(parents=True, exist_ok=True)
with (folder / "{name}.txt").open("a") as file:
    file.write("ran\\n")
"""


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which the stages one, two and three each add a line to a file of their own."""
    for name in ("one", "two", "three"):
        (tmp_path / f"stage_{name}.py").write_text(WRITES.format(name=name))
    (tmp_path / "stage_bad.py").write_text("raise SystemExit(3)")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "events.csv").write_text("a")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("KAIROS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KAIROS_SOURCE", "files")
    monkeypatch.setenv("KAIROS_FILES", str(tmp_path / "source"))
    return {name: value for name, value in os.environ.items() if name.startswith("KAIROS_")}


def three() -> tuple[Stage, ...]:
    return tuple(
        Stage(name, f"stage_{name}", (), f"{name}.txt", own_output=name != "three") for name in ("one", "two", "three")
    )


def counts(environ: dict[str, str]) -> list[int]:
    folder = Path(environ["KAIROS_DATA_DIR"]) / "files"
    return [len((folder / f"{name}.txt").read_text().splitlines()) for name in ("one", "two", "three")]


def test_what_has_not_changed_is_not_done_again(environ: dict[str, str]) -> None:
    for _ in range(2):
        run_stages(read_settings(environ), three())
    assert counts(environ) == [1, 1, 1]


def test_a_changed_setting_runs_everything_again_and_a_port_runs_nothing(environ: dict[str, str]) -> None:
    run_stages(read_settings(environ), three())
    run_stages(read_settings(environ | {"KAIROS_PORT": "1234"}), three())
    assert counts(environ) == [1, 1, 1]
    run_stages(read_settings(environ | {"KAIROS_MARGIN_SHARE": "0.1"}), three())
    assert counts(environ) == [2, 2, 2]


def test_a_changed_source_file_runs_everything_again(environ: dict[str, str]) -> None:
    run_stages(read_settings(environ), three())
    (Path(environ["KAIROS_FILES"]) / "events.csv").write_text("ab")
    run_stages(read_settings(environ), three())
    assert counts(environ) == [2, 2, 2]


def test_once_one_stage_runs_all_later_ones_do(environ: dict[str, str]) -> None:
    run_stages(read_settings(environ), three())
    (Path(environ["KAIROS_DATA_DIR"]) / "files" / "two.txt").unlink()
    run_stages(read_settings(environ), three())
    assert counts(environ) == [1, 1, 2]


def test_an_output_changed_from_outside_is_made_again_unless_a_hand_may_change_it(environ: dict[str, str]) -> None:
    run_stages(read_settings(environ), three())
    folder = Path(environ["KAIROS_DATA_DIR"]) / "files"
    os.utime(folder / "three.txt", ns=(1, 1))
    run_stages(read_settings(environ), three())
    assert counts(environ) == [1, 1, 1]
    os.utime(folder / "two.txt", ns=(1, 1))
    run_stages(read_settings(environ), three())
    assert counts(environ) == [1, 2, 2]


def test_a_failing_stage_ends_the_run_with_its_code_and_counts_as_not_done(environ: dict[str, str]) -> None:
    bad = Stage("bad", "stage_bad", (), "bad.txt")
    first, _, third = three()
    with pytest.raises(SystemExit, match="3"):
        run_stages(read_settings(environ), (first, bad, third))
    assert not Ledger(read_settings(environ)).is_done(bad)
    assert not Ledger(read_settings(environ)).is_done(third)


def test_every_stage_reads_code_that_exists() -> None:
    root = Path(__file__).resolve().parents[2]
    for stage in STAGES:
        assert (root / f"{stage.module.replace('.', '/')}.py").exists()
        assert all((root / name).exists() for name in stage.code)

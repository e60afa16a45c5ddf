import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("features", "serving", "training")
NOT_IN_THE_SERVICE = {"ibis", "duckdb", "mlflow", "feast", "pandas", "lightgbm", "sklearn", "training", "feature_repo"}


def modules_of(package: str) -> list[str]:
    files = sorted((ROOT / package).rglob("*.py"))
    dotted = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]
    return [name for name in dotted if not name.endswith("__main__")]


def python(code: str, folder: Path, **environ: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAIROS_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=clean | environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_name_means_this_repository_and_no_distribution_of_the_same_name(
    package: str, tmp_path: Path
) -> None:
    where = python(f"import {package}; print({package}.__file__)", tmp_path).strip()
    assert Path(where) == ROOT / package / "__init__.py"


@pytest.mark.parametrize(
    "package", ["features", *(pytest.param(name, marks=pytest.mark.slow) for name in ("serving", "training"))]
)
def test_importing_every_module_reads_no_setting_and_writes_nothing(package: str, tmp_path: Path) -> None:
    code = f"import importlib\nfor name in {modules_of(package)}: importlib.import_module(name)"
    python(code, tmp_path, KAIROS_PORT="not a port", KAIROS_DATA_DIR=str(tmp_path / "data"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_process_that_serves_loads_no_batch_engine_tracker_or_feature_store(tmp_path: Path) -> None:
    loaded = json.loads(python("import serving.app, json, sys; print(json.dumps(sorted(sys.modules)))", tmp_path))
    assert {name.partition(".")[0] for name in loaded} & NOT_IN_THE_SERVICE == set()


def test_feast_finds_one_module_in_its_folder() -> None:
    assert [file.name for file in (ROOT / "feature_repo").glob("*.py")] == ["definitions.py"]


def test_the_lock_file_names_versions_and_no_registry() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert all(re.match(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+", line) for line in lines), lines
    assert not any("://" in line or line.startswith("-") for line in lines)


def test_the_lock_file_covers_every_declared_requirement() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(r for rows in project["optional-dependencies"].values() for r in rows)]
    names = {re.match(r"[A-Za-z0-9_.-]+", row).group().lower().replace("_", "-") for row in wanted}  # type: ignore[union-attr]
    locked = {re.match(r"[a-z0-9-]+", line).group() for line in (ROOT / "requirements.lock").read_text().splitlines()}  # type: ignore[union-attr]
    assert names - locked == {project["name"]}


def test_nobody_can_upload_the_project_by_accident() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "Private :: Do Not Upload" in project["classifiers"]

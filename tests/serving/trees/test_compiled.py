import importlib
import sys
from pathlib import Path

import pytest

KERNEL = """
from serving.trees.kernels.compiled import compiled
from {package}.factor import FACTOR


@compiled
def times(number):
    return number * FACTOR
"""


def product(package: str) -> int:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    importlib.invalidate_caches()
    return importlib.import_module(f"{package}.kernel").times(7)


def kept(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.nbc")}


def test_what_was_compiled_is_kept_until_another_file_of_its_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "kairos_kernels"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Two changes within a second look alike to Python.
    (folder / "kernel.py").write_text(KERNEL.format(package=folder.name))
    (folder / "factor.py").write_text("FACTOR = 3\n")
    assert product(folder.name) == 21
    first = kept(folder)
    assert product(folder.name) == 21
    assert kept(folder) == first != {}
    (folder / "factor.py").write_text("FACTOR = 5\n")
    assert product(folder.name) == 35
    assert kept(folder) != first

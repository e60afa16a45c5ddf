import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from features.contract import TABLES
from features.errors import KairosError
from features.vector import FEATURES
from serving.eligibility import RULES
from serving.meter import METRICS
from serving.setting_table import SETTINGS
from training.readme import SECTIONS, make_targets, renewed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PROMISED = {
    *("help", "install", "run", "data", "features", "train", "evaluate", "compare", "promote", "rollback", "serve"),
    *("mlflow", "test", "check", "prove", "bench", "notebooks", "clean"),
}


def test_the_tables_of_the_readme_are_what_the_code_says() -> None:
    assert renewed(README) == README, "run `make docs`"


def test_a_readme_without_the_marks_of_a_section_is_refused() -> None:
    with pytest.raises(KairosError, match="<!-- settings -->"):
        renewed(README.replace("<!-- settings -->", ""))


def test_every_setting_stands_in_the_readme() -> None:
    assert [s.variable for s in SETTINGS if f"| `{s.variable}` |" not in README] == []


def test_every_variable_the_readme_names_is_a_setting() -> None:
    assert set(re.findall(r"KAIROS_[A-Z_]*[A-Z]", README)) <= {s.variable for s in SETTINGS}


def test_every_column_of_the_contract_stands_in_the_readme() -> None:
    contract = README.partition("<!-- contract -->")[2].partition("<!-- /contract -->")[0]
    for table in TABLES:
        section = contract.partition(f"#### `{table.name}`")[2].partition("####")[0]
        assert [c.name for c in table.columns if f"| `{c.name}` |" not in section] == [], table.name


def test_every_feature_stands_in_the_readme() -> None:
    assert [f.name for f in FEATURES if f"| `{f.name}` |" not in README] == []


def test_every_rule_of_eligibility_stands_in_the_readme_in_its_order() -> None:
    section = README.partition("<!-- rules -->")[2].partition("<!-- /rules -->")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [rule.name for rule in RULES]


def test_every_metric_stands_in_the_readme() -> None:
    assert [name for name in METRICS if f"| `{name}` |" not in README] == []


def test_make_help_lists_every_target() -> None:
    phony = set(" ".join(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)).split())
    listed = [name for name, _ in make_targets(MAKEFILE)]
    assert set(listed) == phony
    assert phony >= PROMISED
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [name for name in listed if f"make {name} " not in shown] == []


def test_every_make_target_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert named <= {name for name, _ in make_targets(MAKEFILE)}


def test_every_section_is_written_by_code_that_has_something_to_say() -> None:
    assert [name for name, write in SECTIONS.items() if len(write().splitlines()) < 5] == []


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"KAIROS_SOURCE", "KAIROS_DATA_DIR"}}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5):
            return True
    except (URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def service() -> Iterator[int]:
    """The port of a service over the demonstration's data."""
    port = free_port()
    environ = environment() | {"KAIROS_PORT": str(port)}
    child = subprocess.Popen([sys.executable, "-m", "serving"], cwd=ROOT, env=environ)
    try:
        deadline = time.monotonic() + 60
        while not answers(f"http://127.0.0.1:{port}/health/ready"):
            assert child.poll() is None, "the service has ended"
            assert time.monotonic() < deadline, "the service was not ready after 60 s"
            time.sleep(0.2)
        yield port
    finally:
        child.terminate()
        child.wait(timeout=30)


def run(script: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def ends_by_itself(block: str) -> str:
    """The block with servers that answer and end, on a port nobody has, and with proofs that are only listed."""
    block = re.sub(r"^make run$", f"KAIROS_PORT={free_port()} make run ONCE=1", block, flags=re.MULTILINE)
    return re.sub(r"^make (prove|serve|mlflow)\b", r"make -n \1", block, flags=re.MULTILINE)


@pytest.mark.slow
def test_the_readme_s_own_commands_run() -> None:
    assert BLOCKS
    for block in BLOCKS:
        if "127.0.0.1:8000" in block:
            with service() as port:
                run(block.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
        else:
            run(ends_by_itself(block))

"""The estimators beside two public libraries, each in an environment that this test builds and nothing else uses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training.ope.cascade_ips import cascade_ips
from training.ope.dr import dr
from training.ope.dros import dros
from training.ope.ips import ips
from training.ope.item_position import item_position
from training.ope.log import Log, Modelled
from training.ope.ratios import Ratios
from training.ope.slate_ips import slate_ips
from training.ope.slates import Slates
from training.ope.snips import snips
from training.ope.switch_dr import switch_dr
from training.ope.wald import wald

DISTRIBUTIONS = ("obp==0.4.1", "seaborn==0.13.2", "vw-estimators==0.2.2")
# The libraries only ask whether something is a tensor, and name these classes: nothing of torch is ever used.
STAND_IN = """
import sys
from types import ModuleType, SimpleNamespace

Tensor, Dataset, DataLoader, Module, Optimizer = (type(name, (), {}) for name in ("T", "D", "L", "M", "O"))
utils = SimpleNamespace(data=SimpleNamespace(Dataset=Dataset, DataLoader=DataLoader))
nn, optim = ModuleType("torch.nn"), ModuleType("torch.optim")
nn.Module, optim.Optimizer = Module, Optimizer
sys.modules.update({"torch.nn": nn, "torch.optim": optim})
"""
CEILING, SHRINKAGE = 1.2, 3.0

OBP = """
import json, sys
import numpy as np
import obp.ope as ope

at = dict(np.load(sys.argv[1]))
n = len(at["reward"])
given = dict(
    reward=at["reward"], action=at["action"], pscore=at["logged"], action_dist=at["target"][:, :, None],
    estimated_rewards_by_reg_model=at["modelled"][:, :, None], position=np.zeros(n, dtype=int),
)
rules = {
    "ips": ope.InverseProbabilityWeighting(),
    "snips": ope.SelfNormalizedInverseProbabilityWeighting(),
    "dr": ope.DoublyRobust(),
    "switch_dr": ope.SwitchDoublyRobust(tau=float(at["ceiling"])),
    "dros": ope.DoublyRobustWithShrinkage(lambda_=float(at["shrinkage"])),
}
found = {name: float(rule.estimate_policy_value(**given)) for name, rule in rules.items()}

places = at["slate_reward"].shape[1]
flat = lambda name: at[name].reshape(-1)
slates = dict(
    slate_id=np.repeat(np.arange(len(at["slate_reward"])), places), reward=flat("slate_reward"),
    position=np.tile(np.arange(places), len(at["slate_reward"])),
)
whole = lambda name: np.repeat(np.prod(at[name], axis=1), places)
found["slate_ips"] = ope.SlateStandardIPS(len_list=places).estimate_policy_value(
    **slates, pscore=whole("slate_logged"), evaluation_policy_pscore=whole("slate_target"))
found["item_position"] = ope.SlateIndependentIPS(len_list=places).estimate_policy_value(
    **slates, pscore_item_position=flat("slate_logged"), evaluation_policy_pscore_item_position=flat("slate_target"))
down = lambda name: np.cumprod(at[name], axis=1).reshape(-1)
found["cascade_ips"] = ope.SlateRewardInteractionIPS(len_list=places).estimate_policy_value(
    **slates, pscore_cascade=down("slate_logged"), evaluation_policy_pscore_cascade=down("slate_target"))
print(json.dumps({name: float(value) for name, value in found.items()}))
"""

VW = """
import json, sys
import numpy as np
from estimators.bandits import gaussian, ips, snips

at = dict(np.load(sys.argv[1]))
chosen = at["target"][np.arange(len(at["action"])), at["action"]]
rules = {"ips": ips.Estimator(), "snips": snips.Estimator(), "wald": gaussian.Interval()}
for logged, reward, target in zip(at["logged"], at["reward"], chosen):
    for rule in rules.values():
        rule.add_example(float(logged), float(reward), float(target))
print(json.dumps({name: rule.get() for name, rule in rules.items()}))
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the libraries, without what they would bring along; skips where they cannot be had."""
    folder = tmp_path_factory.mktemp("oracles")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    install += ["--retries", "1", "--timeout", "20", "--target", str(folder), *DISTRIBUTIONS]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{', '.join(DISTRIBUTIONS)} cannot be installed here: {done.stderr.strip()[-200:]}")
    (folder / "torch.py").write_text(STAND_IN)
    return folder


@pytest.fixture(scope="module")
def given(bandit) -> dict[str, np.ndarray]:
    market = bandit.of(1)
    drawn = market.draw(3_000, seed=3, come_back=False)
    policy, rng = market.policy(1.0, seed=2), np.random.default_rng(1)
    return {
        "reward": drawn.reward,
        "action": drawn.action,
        "logged": drawn.logged,
        "target": policy[drawn.segment],
        "modelled": drawn.modelled(),
        "ceiling": np.array(CEILING),
        "shrinkage": np.array(SHRINKAGE),
        "slate_reward": (rng.random((500, 3)) < 0.3).astype(float),
        "slate_logged": rng.uniform(0.1, 0.9, (500, 3)),
        "slate_target": rng.uniform(0.1, 0.9, (500, 3)),
    }


def asked(script: str, libraries: Path, given: dict[str, np.ndarray], tmp_path: Path) -> dict[str, float | list[float]]:
    np.savez(tmp_path / "given.npz", **given)
    (tmp_path / "ask.py").write_text(script)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", str(tmp_path / "ask.py"), str(tmp_path / "given.npz")],
        env=os.environ | {"PYTHONPATH": str(libraries), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def log_of(given: dict[str, np.ndarray]) -> Log:
    rows = np.arange(len(given["reward"]))
    model = Modelled(given["modelled"][rows, given["action"]], (given["modelled"] * given["target"]).sum(axis=1))
    return Log.of(
        rows, given["reward"], given["logged"], given["target"][rows, given["action"]], given["reward"] > 0, model
    )


@pytest.mark.slow
def test_estimates_are_those_of_obp(libraries: Path, given: dict[str, np.ndarray], tmp_path: Path) -> None:
    log = log_of(given)
    assert (log.importance > CEILING).any()
    places = given["slate_logged"], given["slate_target"]
    slates = Slates(np.arange(len(given["slate_reward"])), given["slate_reward"], *places, *places)
    terms = {
        "ips": ips(log),
        "snips": snips(log),
        "dr": dr(log),
        "switch_dr": switch_dr(log, CEILING),
        "dros": dros(log, SHRINKAGE),
        "slate_ips": slate_ips(slates),
        "item_position": item_position(slates),
        "cascade_ips": cascade_ips(slates),
    }
    ours = {name: Ratios.of(each).value for name, each in terms.items()}
    assert ours == pytest.approx(asked(OBP, libraries, given, tmp_path), abs=1e-9)


@pytest.mark.slow
def test_estimates_and_intervals_are_those_of_vw_estimators(
    libraries: Path, given: dict[str, np.ndarray], tmp_path: Path
) -> None:
    log, theirs = log_of(given), asked(VW, libraries, given, tmp_path)
    assert Ratios.of(ips(log)).value == pytest.approx(theirs["ips"], abs=1e-9)
    assert Ratios.of(snips(log)).value == pytest.approx(theirs["snips"], abs=1e-9)
    interval = wald(Ratios.of(ips(log)))
    assert [interval.low, interval.high] == pytest.approx(theirs["wald"], abs=1e-9)

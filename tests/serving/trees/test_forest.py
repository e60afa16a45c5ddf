import re
import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from features.errors import ModelError
from serving.trees.forest import Forest

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
Y = X[:, 0] + X[:, 1] ** 2


def text(**settings: object) -> str:
    chosen = {"objective": "regression", "num_leaves": 6, "num_threads": 1, "verbose": -1, "min_data_in_leaf": 2}
    labels = (Y > 0.5) + (Y > 1.5) if settings.get("objective") == "multiclass" else Y
    return lightgbm.train(chosen | settings, lightgbm.Dataset(X, labels), 3).model_to_string()


def test_columns_and_trees_are_those_of_the_model() -> None:
    forest = Forest.parse(text())
    assert forest.names == ("Column_0", "Column_1", "Column_2")
    assert [len(tree.leaves) for tree in forest.trees] == [6, 6, 6]


def test_the_same_trees_read_their_columns_wherever_these_stand() -> None:
    forest = Forest.parse(text())
    wide = np.hstack([RNG.normal(size=(len(X), 2)), X[:, ::-1]])
    assert np.array_equal(forest.over(["a", "b", "z", "y", "x"], [4, 3, 2]).raw(wide), forest.raw(X))
    with pytest.raises(ModelError, match="2 places in 5 columns"):
        forest.over(["a", "b", "z", "y", "x"], [4, 3])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averages its trees"),
        ({"linear_tree": True}, "linear leaves"),
        ({"num_leaves": 65}, "65 leaves, more than 64"),
        ({"objective": "multiclass", "num_class": 3}, "3 classes"),
    ],
)
def test_a_model_that_is_no_plain_sum_of_small_trees_is_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Forest.parse(text(**settings))


@pytest.mark.parametrize("found", ["", "no model", "{}", "tree\nversion=v4\n"])
def test_a_text_that_is_no_model_is_refused(found: str) -> None:
    with pytest.raises(ModelError, match="no model of LightGBM"):
        Forest.parse(found)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("Tree=2", "Twig=2", "cut off"),
        ("leaf_value=", "leaf_worth=", "lacks 'leaf_value'"),
        ("left_child=-?[0-9]+", "left_child=0", "no tree"),
        ("split_feature=[0-9]", "split_feature=9", "column 9 of 3"),
        ("threshold=", "threshold=x", "damaged"),
        ("decision_type=2", "decision_type=14", "missing type"),
        ("num_leaves=6", "num_leaves=5", "names 5 leaves and lists 6"),
        ("split_feature=[0-9]+ ", "split_feature=", "not 5 tests"),
    ],
)
def test_a_damaged_model_is_refused(before: str, after: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Forest.parse(re.sub(before, after, text(), count=1))


@pytest.mark.slow
def test_the_scorer_loads_neither_lightgbm_nor_the_training_stack() -> None:
    code = (
        "import sys, serving.trees.scorer; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'lightgbm', 'pandas', 'sklearn'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

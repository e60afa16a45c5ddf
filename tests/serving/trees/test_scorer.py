"""The oracle is LightGBM itself: models both trained by it and written at random in its own format."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from os import environ

import lightgbm
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.errors import ModelError
from serving.settings import read_settings
from serving.trees.forest import Forest
from serving.trees.scorer import CUSTOMER, STATIC, Scorer

FULL = read_settings(environ).proof_size == "full"
N_MODELS = 10_000 if FULL else 300
NEAR_ZERO = float(np.float32(1e-35))
STRANGE = np.array(
    [
        *(np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-40, -1e-40, NEAR_ZERO, -NEAR_ZERO),
        *(
            np.nextafter(NEAR_ZERO, 1),
            np.nextafter(-NEAR_ZERO, -1),
            1.0,
            -1.0,
            -0.5,
            0.5,
            31.0,
            32.0,
            63.0,
            64.0,
            200.0,
        ),
        *(2147483647.0, 2147483648.0, -2147483648.0, 4294967296.0, 1e300, -1e300),
    ]
)
THRESHOLDS = np.array(
    [0.0, -0.0, NEAR_ZERO, -NEAR_ZERO, 1e-40, -1e-40, 5e-324, 0.5, 1e300, -1e300, 1.7976931348623157e308]
)
GROUPS = (CUSTOMER, STATIC, "category", "offer", "channel", "moment")


@dataclass
class Example:
    text: str
    n_columns: int
    rng: np.random.Generator
    thresholds: NDArray[np.float64]


def tree_text(rng: np.random.Generator, number: int, n_leaves: int, n_columns: int, categorical: int) -> str:
    """One tree of random shape; columns below ``categorical`` hold categories."""
    n_nodes = n_leaves - 1
    children = np.zeros((n_nodes, 2), dtype=int)
    open_ends: list[tuple[int, int]] = []
    for node in range(n_nodes):
        if node:
            parent, side = open_ends.pop(rng.integers(len(open_ends)))
            children[parent, side] = node
        open_ends += [(node, 0), (node, 1)]
    for leaf, (parent, side) in enumerate(open_ends):
        children[parent, side] = ~leaf
    columns = rng.integers(0, n_columns, n_nodes)
    kinds = np.where(columns < categorical, 1, 0) + 2 * rng.integers(0, 2, n_nodes) + 4 * rng.integers(0, 3, n_nodes)
    thresholds = np.where(rng.random(n_nodes) < 0.3, rng.choice(THRESHOLDS, n_nodes), rng.normal(size=n_nodes).round(2))
    categories = np.flatnonzero(columns < categorical)
    thresholds[categories] = np.arange(len(categories))
    words = [rng.integers(0, 2**32, rng.integers(1, 4), dtype=np.uint64) for _ in categories]
    fields: dict[str, list[object]] = {
        "num_leaves": [n_leaves],
        "num_cat": [len(categories)],
        "split_feature": list(columns),
        "split_gain": [1] * n_nodes,
        "threshold": [repr(float(t)) for t in thresholds],
        "decision_type": list(kinds),
        "left_child": list(children[:, 0]),
        "right_child": list(children[:, 1]),
        "leaf_value": [repr(float(v)) for v in rng.normal(size=n_leaves)],
    }
    if words:
        fields["cat_boundaries"] = list(np.cumsum([0, *map(len, words)]))
        fields["cat_threshold"] = [w for each in words for w in each]
    fields |= {"is_linear": [0], "shrinkage": [1]}
    return f"Tree={number}\n" + "".join(f"{name}={' '.join(map(str, of))}\n" for name, of in fields.items()) + "\n\n"


def model_text(n_columns: int, trees: list[str]) -> str:
    return (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
        f"max_feature_idx={n_columns - 1}\nobjective=regression\n"
        f"feature_names={' '.join(f'c{n}' for n in range(n_columns))}\n"
        f"feature_infos={' '.join(['[-9:9]'] * n_columns)}\n"
        f"tree_sizes={' '.join(str(len(tree)) for tree in trees)}\n\n"
        f"{''.join(trees)}end of trees\n\nparameters:\nend of parameters\n"
    )


def written(seed: int) -> Example:
    """A model that no training would come up with."""
    rng = np.random.default_rng(seed)
    n_columns, most = int(rng.integers(1, 12)), int(rng.choice([2, 8, 31, 32, 33, 64]))
    categorical = int(rng.integers(0, n_columns + 1)) // 2
    n_trees = int(rng.integers(1, 12))
    trees = [tree_text(rng, n, int(rng.integers(1, most + 1)), n_columns, categorical) for n in range(n_trees)]
    return Example(model_text(n_columns, trees), n_columns, rng, THRESHOLDS)


def trained(seed: int) -> Example:
    """A model of LightGBM's own making, with everything that changes how it treats missing values."""
    rng = np.random.default_rng(seed)
    n_columns, n = int(rng.integers(2, 10)), 300
    X = rng.normal(size=(n, n_columns)).round(1)
    categorical = list(range(int(rng.integers(0, 3)))) if n_columns > 2 else []
    X[:, categorical] = rng.integers(0, 70, (n, len(categorical)))
    X[rng.random(X.shape) < 0.15] = rng.choice([np.nan, 0.0])
    y = np.nan_to_num(X) @ rng.normal(size=n_columns) + np.nan_to_num(X[:, 0]) % 3 + rng.normal(size=n)
    chosen = {
        "objective": "regression",
        "boosting": str(rng.choice(["gbdt", "dart"])),
        "num_leaves": int(rng.integers(2, 65)),
        "max_depth": int(rng.choice([-1, 2, 6])),
        "zero_as_missing": bool(rng.integers(2)),
        "use_missing": bool(rng.random() < 0.8),
        "min_data_in_leaf": int(rng.integers(1, 30)),
        "min_data_per_group": 5,
        "learning_rate": 0.3,
        "seed": seed % 1000,
        "num_threads": 1,
        "verbose": -1,
    }
    data = lightgbm.Dataset(X, y, categorical_feature=categorical)
    booster = lightgbm.train(chosen, data, int(rng.integers(1, 15)))
    thresholds = np.concatenate([tree.threshold for tree in Forest.parse(booster.model_to_string()).trees])
    return Example(booster.model_to_string(), n_columns, rng, np.append(thresholds, 0.0))


def rows(example: Example, n: int) -> NDArray[np.float64]:
    """Ordinary values, strange ones, categories never seen, and thresholds with their neighbours; float32 at times."""
    rng, shape = example.rng, (n, example.n_columns)
    near = rng.choice(example.thresholds, shape)
    with np.errstate(over="ignore"):
        kinds = [
            rng.normal(size=shape).round(2),
            rng.choice(STRANGE, shape),
            rng.integers(-2, 130, shape).astype(float),
            near,
            np.nextafter(near, np.where(rng.integers(2, size=shape) == 1, np.inf, -np.inf)),
        ]
        X = np.choose(rng.integers(0, len(kinds), shape), kinds)
        return X.astype(np.float32) if rng.integers(2) else X


def lightgbm_raw(text: str, X: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(lightgbm.Booster(model_str=text).predict(X, raw_score=True, num_threads=1))


def pairs(example: Example, forests: list[Forest], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of prepared pairs under a random grouping, and the rows they stand for."""
    rng = example.rng
    groups = [str(group) for group in rng.choice(GROUPS[: rng.integers(1, len(GROUPS) + 1)], example.n_columns)]
    scorer = Scorer(forests, groups)
    static = rows(example, max(1, n // 3))[rng.integers(0, max(1, n // 3), n)][:, scorer.columns[STATIC]]
    grid = rng.integers(2) == 1
    offers, channels = np.arange(n) // 3, np.arange(n) % 3
    keys = {
        name: (channels if name in GROUPS[4:] else offers // (2 if name == "category" else 1)) for name in scorer.keyed
    }
    if not grid:
        keys = {name: rng.integers(0, 5, n) for name in scorer.keyed}
    if grid:
        static = static[offers]
    customer = rows(example, 1)[0, scorer.columns[CUSTOMER]]
    keyed = {name: rows(example, int(keys[name].max()) + 1)[:, scorer.columns[name]] for name in scorer.keyed}
    whole = np.empty((n, example.n_columns))
    whole[:, scorer.columns[CUSTOMER]] = customer
    whole[:, scorer.columns[STATIC]] = static
    for name in scorer.keyed:
        whole[:, scorer.columns[name]] = keyed[name][keys[name]]
    return scorer.prepare(static, keys).score(customer, keyed), whole


def check(make: Callable[[int], Example], seed: int) -> float:
    """The largest difference from LightGBM over arbitrary rows and prepared pairs."""
    example = make(seed)
    forest = Forest.parse(example.text)
    X = rows(example, int(example.rng.choice([1, 7, 64, 150])))
    worst = float(np.abs(forest.raw(X) - lightgbm_raw(example.text, X)).max())
    assert worst == 0.0
    scores, whole = pairs(example, [forest], int(example.rng.choice([1, 5, 48])))
    worst = float(np.abs(scores[0] - lightgbm_raw(example.text, whole)).max())
    assert worst <= 1e-12
    return worst


@pytest.mark.slow
@pytest.mark.proof(name="scorer")
@pytest.mark.parametrize("make", [written, trained])
def test_scores_are_those_of_lightgbm_whatever_the_model_and_the_rows(
    make: Callable[[int], Example], record_property: Callable[[str, object], None]
) -> None:
    worst = 0.0

    @settings(
        max_examples=N_MODELS // 2,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32))
    def every(seed: int) -> None:
        nonlocal worst
        worst = max(worst, check(make, seed))

    every()
    record_property(f"{make.__name__} models", N_MODELS // 2)
    record_property(f"{make.__name__} largest difference", worst)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("make", [written, trained])
def test_scores_are_those_of_lightgbm(make: Callable[[int], Example], seed: int) -> None:
    check(make, seed)


@pytest.mark.parametrize("value", STRANGE)
@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize("default_left", [0, 1])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_every_strange_value_goes_where_lightgbm_sends_it(
    value: float, missing: int, default_left: int, kind: type[np.floating]
) -> None:
    for threshold in (0.0, 1e-40, -1e-40, NEAR_ZERO, -NEAR_ZERO):
        tree = (
            f"Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold={threshold!r}\n"
            f"decision_type={2 * default_left + 4 * missing}\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n"
            "is_linear=0\nshrinkage=1\n\n\n"
        )
        model = model_text(1, [tree])
        with np.errstate(over="ignore"):
            X = np.array([[value]]).astype(kind)
        assert Forest.parse(model).raw(X) == lightgbm_raw(model, X)


def test_several_forests_are_scored_in_one_pass() -> None:
    first = written(3)
    seeds = (seed for seed in range(4, 400) if written(seed).n_columns == first.n_columns)
    texts = [first.text, *(written(next(seeds)).text for _ in range(2))]
    scores, whole = pairs(first, [Forest.parse(text) for text in texts], 30)
    for score, text in zip(scores, texts, strict=True):
        assert np.abs(score - lightgbm_raw(text, whole)).max() <= 1e-12


def test_a_catalogue_is_shared_between_threads() -> None:
    example = trained(5)
    forest = Forest.parse(example.text)
    scorer = Scorer([forest], [CUSTOMER, *["offer"] * (example.n_columns - 1)])
    prepared = scorer.prepare(np.zeros((40, 0)), {"offer": np.arange(40)})
    X = rows(example, 64 * 40).astype(np.float64).reshape(64, 40, -1)
    X[:, :, 0] = X[:, :1, 0]
    expected = forest.raw(X.reshape(64 * 40, -1)).reshape(64, 40)
    wrong: list[int] = []

    def ask(start: int) -> None:
        for request in [*range(start, 64), *range(start)] * 5:
            got = prepared.score(X[request, 0, :1], {"offer": X[request, :, 1:]})[0]
            if np.abs(got - expected[request]).max() > 1e-12:
                wrong.append(request)

    threads = [threading.Thread(target=ask, args=(16 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_pairs_and_no_rows_give_no_scores() -> None:
    forest = Forest.parse(written(1).text)
    assert forest.raw(np.empty((0, forest.n_columns))).shape == (0,)
    prepared = Scorer([forest], ["offer"] * forest.n_columns).prepare(np.empty((0, 0)), {"offer": np.empty(0)})
    assert prepared.score([], {"offer": np.empty((0, forest.n_columns))}).shape == (1, 0)


def test_values_of_another_shape_are_refused() -> None:
    forest = Forest.parse(written(1).text)
    scorer = Scorer([forest], [CUSTOMER] * forest.n_columns)
    prepared = scorer.prepare(np.empty((3, 0)), {})
    with pytest.raises(ModelError, match="'customer' have shape"):
        prepared.score(np.zeros(forest.n_columns + 1), {})
    with pytest.raises(ModelError, match="do not fit a model of"):
        forest.raw(np.zeros((2, forest.n_columns + 1)))
    with pytest.raises(ModelError, match="have a group"):
        Scorer([forest], [CUSTOMER])
    with pytest.raises(ModelError, match="no key 'offer'"):
        Scorer([forest], ["offer"] * forest.n_columns).prepare(np.empty((3, 0)), {})
    with pytest.raises(ModelError, match="from 0 for each of 3"):
        Scorer([forest], ["offer"] * forest.n_columns).prepare(np.empty((3, 0)), {"offer": [0, 1]})

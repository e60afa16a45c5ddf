import json
from pathlib import Path

import numpy as np
import pytest

from features.errors import ModelError
from features.vector import FEATURES
from serving.linear import Linear
from serving.model import Bundle
from serving.part import Part, PartName
from serving.prediction import pair_key, sigmoid
from serving.typical import Typical
from training.boosting import fit_trees
from training.bundle import write_bundle
from training.regression import fit_linear

N = 300


def vectors(seed: int = 1, n: int = N) -> np.ndarray:
    X = np.random.default_rng(seed).normal(0, 3, (n, len(FEATURES))).astype(np.float32)
    X[::7, 3] = np.nan
    return X


def part() -> Part:
    X, rng = vectors(), np.random.default_rng(2)
    names = tuple(f.name for f in FEATURES[:6])
    own = X[:, :6]
    taken = rng.random(N) < sigmoid(own[:, 0].astype(float))
    trees = fit_trees(own, taken, np.ones(N), names, rounds=12, seed=1, threads=1)
    linear = fit_linear(own, taken, np.ones(N), softness=0.1)
    typical = Typical(0.1, {"c|mail": 0.2}, {pair_key("o1", "mail"): 0.3})
    return Part(names, trees, linear, 0.4, 1.2, -0.3, {pair_key("o1", "mail"): 0.5}, typical)


def about(**more: str) -> dict[str, str]:
    return {"version": "v1", "source": "files", **more}


def test_a_bundle_read_back_gives_the_same_probabilities(tmp_path: Path) -> None:
    fitted = part()
    bundle = write_bundle(tmp_path / "v1", {(PartName.OFFER_RESPONSE, "reward"): fitted}, about())
    read = bundle.part(PartName.OFFER_RESPONSE, "reward")
    assert read is not None
    X, pairs = vectors(9), [("o1", "c", "mail"), ("o2", "c", "app"), ("new", "c", "")] * (N // 3)
    np.testing.assert_array_equal(read.probability(X, pairs), fitted.probability(X, pairs), strict=True)
    assert read.typical == fitted.typical
    assert bundle.part(PartName.ORGANIC, "reward") is None


def test_the_formula_is_the_one_told() -> None:
    fitted, X = part(), vectors(4)
    assert fitted.booster is not None
    assert fitted.linear is not None
    own = X[:, :6]
    raw = 0.4 * fitted.booster.raw(own) + 0.6 * fitted.linear.raw(own)
    expected = 1 / (1 + np.exp(-(1.2 * raw - 0.3 + 0.5)))
    np.testing.assert_allclose(fitted.probability(X, [("o1", "", "mail")] * N), expected, rtol=1e-12)


def test_contributions_add_up_to_the_calibrated_score() -> None:
    fitted, X = part(), vectors(5, 40)
    np.testing.assert_allclose(
        fitted.contributions(X).sum(axis=1), fitted.slope * fitted.raw(X) + fitted.intercept, rtol=1e-6, atol=1e-9
    )


def test_a_straight_line_does_not_run_away_where_nothing_was_seen() -> None:
    linear = Linear(np.zeros(1), np.zeros(1), np.full(1, 1e-3), np.ones(1), 0.0)
    assert linear.raw(np.array([[1e9]], dtype=np.float32)) == 5.0


def test_no_rows_give_no_probabilities() -> None:
    assert part().probability(vectors()[:0], []).shape == (0,)


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "v1", {(PartName.ORGANIC, "reward"): part()}, about())
    document = tmp_path / "v1" / "bundle.json"
    document.write_text(json.dumps(json.loads(document.read_text()) | {"fingerprint": "0123456789abcdef"}))
    with pytest.raises(ModelError, match=r"0123456789abcdef.*train again"):
        Bundle.load(tmp_path / "v1")


@pytest.mark.parametrize("file", ["bundle.json", "organic.reward.json", "organic.reward.txt"])
def test_a_missing_or_broken_file_is_told(tmp_path: Path, file: str) -> None:
    write_bundle(tmp_path / "v1", {(PartName.ORGANIC, "reward"): part()}, about())
    (tmp_path / "v1" / file).unlink()
    with pytest.raises(ModelError, match=file.replace(".", r"\.")):
        Bundle.load(tmp_path / "v1")
    if file.endswith("json"):
        (tmp_path / "v1" / file).write_text("[]")
        with pytest.raises(ModelError, match="train again"):
            Bundle.load(tmp_path / "v1")


def test_a_version_is_written_once(tmp_path: Path) -> None:
    write_bundle(tmp_path / "v1", {(PartName.ORGANIC, "reward"): part()}, about())
    with pytest.raises(FileExistsError, match="once"):
        write_bundle(tmp_path / "v1", {}, about())

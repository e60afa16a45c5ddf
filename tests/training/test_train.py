"""The whole way on the small world: train, promote, compare, load from MLflow."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalogue import Catalogue
from features.clock import SystemClock
from features.vector import FEATURES
from serving.model import Bundle
from serving.part import PartName
from serving.settings import Settings
from tests.conftest import forget_probabilities, settings_of
from training.bundle import PREDICTIONS
from training.compare import compare
from training.gate.constant import constant
from training.gate.served import FILE as SERVED
from training.gate.served import Served
from training.labels import labels
from training.promote import promote
from training.samples import SEEN, gather, thinned
from training.train import train
from training.versions import Versions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(small_store: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, str]:
    own = tmp_path_factory.mktemp("trained") / "data"
    shutil.copytree(small_store.data_dir, own)
    settings = settings_of(own)
    return settings, train(settings)


def test_every_part_the_data_allow_is_learnt_and_judged(trained: tuple[Settings, str]) -> None:
    settings, version = trained
    bundle = Bundle.load(settings.models_dir / version)
    assert bundle.notices_known
    for name in SEEN:
        assert bundle.part(name, "reward") is not None
    assert bundle.part(PartName.OFFER_RESPONSE, "coupon") is not None
    assert bundle.part(PartName.CHANNEL_RESPONSE, "coupon") is None
    assert bundle.about["value_proven"] is False
    assert bundle.about["channels_noticing"] == ["app", "email"]
    for found in bundle.about["summary"].values():
        assert {"Kairos", "popularity", "logistic regression", "plain LightGBM"} == set(found["contenders"])


@pytest.fixture
def apart(trained: tuple[Settings, str], tmp_path: Path) -> tuple[Settings, str]:
    """A copy of what was trained, to promote in."""
    settings, version = trained
    shutil.copytree(settings.data_dir, tmp_path / "data")
    return settings_of(tmp_path / "data"), version


def test_while_personal_choice_is_not_proven_the_best_constant_is_served(apart: tuple[Settings, str]) -> None:
    settings, version = apart
    assert "effective sample" in promote(settings, SystemClock(), "ada")
    assert Versions(settings).champion() == f"{version}-constant"


def test_the_model_is_promoted_and_mlflow_gives_the_same_probabilities(apart: tuple[Settings, str]) -> None:
    import mlflow

    settings, version = apart
    forget_probabilities(settings.contract_dir)
    (settings.models_dir / version / SERVED).unlink()
    assert "alias champion" in promote(settings, SystemClock(), "ada")
    assert Versions(settings).champion() == version
    served = mlflow.pyfunc.load_model("models:/kairos-files@champion")
    bundle = Bundle.load(settings.models_dir / version)
    part = bundle.part(PartName.OFFER_RESPONSE, "reward")
    assert part is not None
    X = np.random.default_rng(1).normal(0, 2, (5, len(FEATURES)))
    rows = pd.DataFrame(X, columns=[f.name for f in FEATURES])
    rows = rows.assign(part="offer_response", kind="reward", offer_id="reward-wine", category="wine", channel="email")
    expected = part.probability(X.astype(np.float32), [("reward-wine", "wine", "email")] * 5)
    np.testing.assert_allclose(served.predict(rows)["probability"], expected)


def test_a_model_that_is_alone_is_compared_with_popularity_in_money_and_words(trained: tuple[Settings, str]) -> None:
    settings, version = trained
    text = compare(settings)
    assert f"popularity alone  against  {version}" in text
    assert "of 1,000 contacts" in text
    assert "USD" in text
    assert (settings.models_dir / version / PREDICTIONS).exists()


def test_the_bundle_holds_data_only(trained: tuple[Settings, str]) -> None:
    settings, version = trained
    assert {path.suffix for path in (settings.models_dir / version).iterdir()} == {".json", ".txt", ".parquet"}


def test_every_label_has_its_own_vector_and_no_vector_its_own_outcome(small_store: Settings) -> None:
    catalogue = Catalogue.from_json(small_store.catalogue_file.read_text())
    samples = gather(small_store, catalogue, catalogue.now)
    names = [f.name for f in FEATURES]
    contacts = samples.of(PartName.OFFER_RESPONSE, "coupon")
    since = contacts.X[:, names.index("customer_days_since_latest_contacts")]
    assert np.nanmin(since) > 0  # the contact's own `sent` event comes after the decision
    assert (contacts.ends_us <= catalogue.now).all()


def test_thinning_keeps_what_the_rows_stand_for(small_store: Settings) -> None:
    found = labels(small_store.contract_dir, Catalogue.from_json(small_store.catalogue_file.read_text()).now, seed=1)
    few = thinned(found, 500, seed=1)
    assert len(few) == 500
    assert sum(few["weight"].to_pylist()) == pytest.approx(sum(found["weight"].to_pylist()), rel=0.1)


def test_the_report_of_a_run_is_json(trained: tuple[Settings, str]) -> None:
    settings, version = trained
    document = Path(settings.models_dir / version / "bundle.json").read_text()
    assert "NaN" not in document
    assert json.loads(document)["version"] == version


def test_what_would_have_been_served_is_kept_beside_the_model_with_its_exact_weights(
    trained: tuple[Settings, str],
) -> None:
    settings, version = trained
    served = Served.read(settings.models_dir / version)
    assert served is not None
    assert ((served.target > 0) & (served.target < 1)).all()
    judged = pd.read_parquet(settings.contract_dir / "decisions.parquet").set_index("decision_id")
    rows = judged.loc[served.decision]
    assert (rows["probability"].to_numpy() == served.logged).all()
    assert (rows["customer_id"].to_numpy() == served.customer).all()
    assert served.of_target.min() >= served.modelled.min()


def test_the_best_constant_is_told_by_what_contacts_brought_about_where_training_could_tell(
    trained: tuple[Settings, str], tmp_path: Path
) -> None:
    settings, version = trained
    bundle = Bundle.load(settings.models_dir / version)
    told = [{"offer_id": "o", "channel": "email", "value_minor": 3.0}]
    (kind,) = constant(settings, bundle, tmp_path / "log").about["constant"]
    about = {**bundle.about, "earned": {kind: told}}
    assert constant(settings, replace(bundle, about=about), tmp_path / "told").about["constant"] == {kind: told}

"""The law of the served form: what the service says of a pair is what the learner says of it."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from serving.part import PartName
from serving.settings import read_settings
from training.bundle import write_bundle
from training.judge.ground import Ground, Size, prepare
from training.parts.parts import Parts, fit_parts
from training.parts.served import served
from training.world.parameters import Inside

KIND = "campaign"


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ground, Parts]:
    chosen = {"KAIROS_DATA_DIR": str(tmp_path_factory.mktemp("served")), "KAIROS_THREADS": "1"}
    full = read_settings(os.environ).proof_size == "full"
    size = Size(customers=1_000, contacts=8_000) if full else Size(customers=150, days=40, contacts=900)
    ground = prepare(read_settings(chosen), Inside.CROOKED, 3, size)
    return ground, fit_parts(ground.known, seed=7, threads=1)


@pytest.mark.slow
@pytest.mark.proof(name="served_parts")
def test_a_bundle_says_of_every_pair_what_the_learner_says(
    learnt: tuple[Ground, Parts], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    ground, parts = learnt
    bundle = write_bundle(tmp_path / "v", served(parts, ground.known, KIND), {"version": "v", "source": "files"})
    asked, catalogue = ground.occasions, ground.known.catalogue
    said = parts.say(asked.X, asked.all_offers(), asked.all_channels())
    offers = [(str(offer.offer_id), str(offer.category)) for offer in catalogue.offers]
    names = [str(channel.name) for channel in catalogue.channels]
    pairs = zip(asked.all_offers().tolist(), asked.all_channels().tolist(), strict=True)
    about = [(*offers[offer], names[channel]) for offer, channel in pairs]
    for name, expected in (
        (PartName.CHANNEL_RESPONSE, said.noticed),
        (PartName.ORGANIC, said.organic),
        (PartName.PERSUASION, said.persuaded),
    ):
        part = bundle.part(name, KIND)
        assert part is not None
        own = [(offer, category, "") for offer, category, _ in about] if name is PartName.ORGANIC else about
        worst = float(np.abs(part.probability(asked.X, own) - expected).max())
        record_property(f"worst_{name}", worst)
        assert worst < 1e-9
    record_property("rows", len(about))

"""What grouped parts say of the pairs of a catalogue, made ready, is what they say of the pairs' vectors."""

import os
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.errors import ModelError
from features.evidence import pool
from features.feature import Group
from features.vector import FEATURES, vector_fingerprint
from serving.assortment import Assortment
from serving.booster import Booster
from serving.columns import ANYWAY, PACE, PURSE, SHARE, TURNS
from serving.grouped import Grouped
from serving.grouped_part import GroupedPart
from serving.model import Bundle, linked
from serving.pairs import pairs_of, vectors
from serving.part import Part, PartName, about_of
from serving.prediction import pair_key
from serving.settings import read_settings
from serving.sheet import Sheet, texts
from serving.staged import Staged
from tests.serving.test_assortment import somebody
from training.boosting import fit_plain_trees
from training.bundle import write_bundle

KIND = "promotion"
WITHOUT_PAIR = (Group.CUSTOMER, Group.PROFILE, Group.MOMENT, Group.CATEGORY)


def sheet(name: PartName, catalogue: Catalogue, rng: np.random.Generator) -> Sheet:
    """Random features and every other kind of column; one category and one channel are left out of the groups."""
    allowed = [f.name for f in FEATURES if name is not PartName.ORGANIC or f.group in WITHOUT_PAIR]
    columns = [str(each) for each in rng.permutation(allowed)[: rng.integers(8, 30)]]
    if name is PartName.CHANNEL_RESPONSE:
        return Sheet((*columns, *TURNS), "channel", tuple(sorted(map(str, catalogue.channel)))[1:])
    if name is PartName.PERSUASION:
        columns += [ANYWAY, PACE, SHARE, f"{PURSE}@14.5", *(f"channel={channel}" for channel in catalogue.channel)]
        columns += [f"offer={offer.offer_id}" for offer in catalogue.offers[1:]]
    return Sheet(tuple(columns), "category", tuple(sorted({str(offer.category) for offer in catalogue.offers}))[:-1])


def part(name: PartName, catalogue: Catalogue, blend: float, organic: GroupedPart | None = None) -> GroupedPart:
    rng = np.random.default_rng(list(PartName).index(name))
    read, pairs = sheet(name, catalogue, rng), pairs_of(catalogue)
    evidence = pool(catalogue.offers, list(catalogue.channel), {}, somebody(catalogue, 1, 0).at)
    X = np.concatenate([vectors(somebody(catalogue, number, 40), pairs, evidence) for number in range(40)])
    about = about_of(name, pairs) * 40
    n, groups = len(read.columns), len(read.groups)
    scale, zero = rng.uniform(0.5, 2.0, n), np.zeros(n)
    linear = Grouped(zero, rng.normal(size=n), scale, rng.normal(0, 0.2, (groups, n)), rng.normal(size=groups))
    bare = GroupedPart(read, None, linear, 0.0, organic=organic)
    trees: Booster | None = None
    if blend > 0:
        told = bare.told(X, about)
        wide = read.wide(read.own(X, told), read.grouped(told))
        names = tuple(f"c{place}" for place in range(wide.shape[1]))
        trees = fit_plain_trees(wide, rng.random(len(X)) < 0.4, np.ones(len(X)), names, seed=1, threads=1)
    shifts = {pair_key(*(about[0][0], about[0][2])): 0.7}
    bounds = (1e-5, 0.95) if name is PartName.PERSUASION else (0.0, 1.0)
    return GroupedPart(read, trees, linear, blend, 1.2, -0.3, shifts, bounds=bounds, organic=organic)


def parts(catalogue: Catalogue, blend: float) -> dict[PartName, GroupedPart]:
    organic = part(PartName.ORGANIC, catalogue, blend)
    return {
        PartName.CHANNEL_RESPONSE: part(PartName.CHANNEL_RESPONSE, catalogue, blend),
        PartName.ORGANIC: organic,
        PartName.PERSUASION: part(PartName.PERSUASION, catalogue, blend, organic),
    }


@pytest.mark.parametrize("blend", [0.0, 0.4, 1.0])
def test_ready_parts_say_what_they_say_of_the_vectors(blend: float, shop: Catalogue) -> None:
    found = parts(shop, blend)
    evidence = pool(shop.offers, list(shop.channel), {}, somebody(shop, 1, 0).at)
    assortment = Assortment(pairs_of(shop), evidence)
    ready = Staged(found, assortment)
    for seed in range(200 if read_settings(os.environ).proof_size == "full" else 25):
        known = somebody(shop, seed, 30 * (seed % 4))
        said = ready.probabilities(assortment.factors(known))
        X = vectors(known, pairs_of(shop), evidence)
        for name, each in found.items():
            expected = each.probability(X, about_of(name, pairs_of(shop)))
            np.testing.assert_allclose(said[name], expected, rtol=0, atol=1e-9, err_msg=name)


def test_what_is_listed_adds_up_to_the_score(shop: Catalogue) -> None:
    evidence = pool(shop.offers, list(shop.channel), {}, somebody(shop, 1, 0).at)
    X = vectors(somebody(shop, 3, 40), pairs_of(shop), evidence)
    for name, each in parts(shop, 0.4).items():
        about = about_of(name, pairs_of(shop))
        found = each.taken_apart(X, about)
        total = found.trees.sum(axis=1) + found.linear.sum(axis=1)
        np.testing.assert_allclose(total, each.slope * each.raw(X, about), rtol=0, atol=1e-9)
        assert found.seen.shape == (len(X), len(each.features))


def test_a_bundle_of_grouped_parts_is_read_back_as_it_was(shop: Catalogue, tmp_path: Path) -> None:
    found = parts(shop, 0.4)
    evidence = pool(shop.offers, list(shop.channel), {}, somebody(shop, 1, 0).at)
    X = vectors(somebody(shop, 3, 40), pairs_of(shop), evidence)
    bundle = write_bundle(
        tmp_path / "v1", {(name, KIND): each for name, each in found.items()}, {"version": "v1", "source": "shop"}
    )
    assert bundle.about["fingerprint"] == vector_fingerprint()
    for name, each in found.items():
        about, read = about_of(name, pairs_of(shop)), Bundle.load(tmp_path / "v1").part(name, KIND)
        assert isinstance(read, GroupedPart)
        np.testing.assert_array_equal(read.probability(X, about), each.probability(X, about))


def test_a_part_that_reads_what_happens_anyway_needs_a_part_that_says_it(shop: Catalogue) -> None:
    found: dict[tuple[PartName, str], Part | GroupedPart] = {
        (name, KIND): each for name, each in parts(shop, 0.0).items() if name is not PartName.ORGANIC
    }
    with pytest.raises(ModelError, match="which no part predicts"):
        linked(found)


def test_columns_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ModelError, match="neither a feature nor a known column"):
        _ = Sheet(("moment_hour", "hour:tangent"), "channel", ("email",)).others


def test_a_group_that_was_never_seen_is_like_the_mean_of_the_others() -> None:
    read = Sheet(("moment_hour",), "channel", ("email", "app"))
    one = Grouped(np.zeros(1), np.zeros(1), np.ones(1), np.array([[1.0], [3.0]]), np.array([0.0, 1.0]))
    _, _, channels = texts([("o", "c", "app"), ("o", "c", "new"), ("o", "c", "email")])
    assert read.group(channels).tolist() == [1, 2, 0]
    X = np.full((3, 1), 1.0, dtype=np.float32)
    np.testing.assert_allclose(one.raw(X, read.group(channels)), np.log(2) * np.array([3, 2, 1]) + [1.0, 0.5, 0.0])

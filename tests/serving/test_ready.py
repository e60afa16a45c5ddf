"""What a ready model says of the pairs of a catalogue is what its parts say of their vectors."""

from collections.abc import Mapping

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.evidence import pool
from features.vector import FEATURES
from serving.assortment import Assortment
from serving.pairs import pairs_of, vectors
from serving.part import Part, PartName, about_of
from serving.prediction import pair_key
from serving.ready import Ready
from serving.typical import Typical
from tests.serving.test_assortment import somebody
from training.boosting import fit_trees
from training.regression import fit_linear

N = 400


def part(seed: int, catalogue: Catalogue, blend: float) -> Part:
    """Over random columns, fitted to vectors of the catalogue's pairs, so that every kind of column is tested."""
    rng = np.random.default_rng(seed)
    places = np.sort(rng.permutation(len(FEATURES))[: rng.integers(5, len(FEATURES))])
    pairs, evidence = (
        pairs_of(catalogue),
        pool(catalogue.offers, list(catalogue.channel), {}, somebody(catalogue, 1, 0).at),
    )
    X = np.concatenate([vectors(somebody(catalogue, number, 40), pairs, evidence) for number in range(N // len(pairs))])
    taken = rng.random(len(X)) < 0.4
    names, weight = tuple(FEATURES[place].name for place in places), np.ones(len(X))
    trees = fit_trees(X[:, places], taken, weight, names, rounds=20, seed=seed, threads=1) if blend > 0 else None
    linear = fit_linear(X[:, places], taken, weight, softness=0.1) if blend < 1 else None
    shifts = {pair_key(pairs[0].offer.offer_id, channel): 0.7 for channel in (pairs[0].channel.name, "")}
    typical = Typical(0.1, {f"{pairs[1].offer.category}|{pairs[1].channel.name}": 0.2})
    return Part(names, trees, linear, blend, 1.3, -0.2, shifts, typical)


@pytest.mark.parametrize("blends", [(0.6, 0.3, 1.0), (0.0, 0.5), (1.0,), (0.0,)])
def test_a_ready_model_says_what_its_parts_say_of_the_vectors(blends: tuple[float, ...], shop: Catalogue) -> None:
    parts = {name: part(seed, shop, b) for seed, (name, b) in enumerate(zip(PartName, blends, strict=False))}
    evidence = pool(shop.offers, list(shop.channel), {}, somebody(shop, 1, 0).at)
    assortment = Assortment(pairs_of(shop), evidence)
    ready = Ready(parts, assortment)
    for seed in range(12):
        known = somebody(shop, seed, 30 * (seed % 4))
        found = ready.probabilities(assortment.factors(known))
        X = vectors(known, pairs_of(shop), evidence)
        for name, each in parts.items():
            np.testing.assert_allclose(
                found[name], each.probability(X, about_of(name, pairs_of(shop))), rtol=0, atol=1e-12
            )


def test_of_a_stranger_it_says_what_is_typical(shop: Catalogue) -> None:
    parts: Mapping[PartName, Part] = {PartName.OFFER_RESPONSE: part(5, shop, 0.0)}
    evidence = pool(shop.offers, list(shop.channel), {}, somebody(shop, 1, 0).at)
    found = Ready(parts, Assortment(pairs_of(shop), evidence)).typical()[PartName.OFFER_RESPONSE]
    pairs = [(pair.offer.offer_id, pair.offer.category, pair.channel.name) for pair in pairs_of(shop)]
    np.testing.assert_array_equal(found, parts[PartName.OFFER_RESPONSE].typical.probability(pairs))

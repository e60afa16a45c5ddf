import numpy as np

from serving.trees.sides import labelled, sides

OFFERS, CHANNELS = np.divmod(np.arange(40), 4)


def test_offers_and_channels_become_the_two_sides_of_the_grid() -> None:
    category, cost = OFFERS // 3, CHANNELS % 2
    left, right = sides([CHANNELS, OFFERS, category, cost], 40)
    assert (len(left), len(right)) == (10, 4)
    assert (left.follows, right.follows) == ((1, 2), (0, 3))
    assert np.array_equal(OFFERS[left.example][left.of_pair], OFFERS)


def test_an_offer_that_misses_some_channels_still_fits_the_grid() -> None:
    some = np.flatnonzero((OFFERS + CHANNELS) % 4 > 0)
    left, right = sides([OFFERS[some], CHANNELS[some]], len(some))
    assert (len(left), len(right)) == (10, 4)


def test_pairs_that_form_no_grid_all_stand_on_the_left() -> None:
    each = np.arange(40)
    left, right = sides([each % 7, OFFERS, CHANNELS, each], 40)
    assert (len(left), len(right)) == (40, 1)


def test_missing_values_are_alike() -> None:
    assert labelled(np.array([[np.nan], [1.0], [np.nan]])).tolist() == [1, 0, 1]


def test_no_pairs_have_no_places() -> None:
    left, right = sides([np.zeros(0, dtype=np.intp)], 0)
    assert (len(left), len(right)) == (0, 0)

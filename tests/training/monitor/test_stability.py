import numpy as np

from serving.histogram import Histogram, psi
from training.monitor.stability import noise


def test_two_samples_of_one_distribution_stay_below_the_noise() -> None:
    """Of 400 pairs at most 6 may pass: the chance of more than 6 at one in a thousand each is below 1e-6."""
    rng = np.random.default_rng(7)
    passed = 0
    for _ in range(400):
        one, other = rng.gamma(2.0, 3.0, 3_000), rng.gamma(2.0, 3.0, 500)
        held = Histogram.of(one)
        passed += psi(held, Histogram.between(held.edges, other)) > noise(held, 3_000, 500)
    assert passed <= 6


def test_a_shifted_sample_passes_noise_and_the_usual_threshold() -> None:
    rng = np.random.default_rng(7)
    held = Histogram.of(rng.normal(0.0, 1.0, 3_000))
    moved = Histogram.between(held.edges, rng.normal(0.7, 1.0, 500))
    assert psi(held, moved) > max(0.25, noise(held, 3_000, 500))


def test_values_that_become_unknown_are_drift() -> None:
    values = np.random.default_rng(7).normal(size=1_000)
    held = Histogram.of(values)
    gone = np.where(np.arange(1_000) % 2 == 0, np.nan, values)
    assert psi(held, Histogram.between(held.edges, gone)) > 0.25


def test_a_constant_and_an_empty_sample_have_defined_histograms() -> None:
    held = Histogram.of(np.zeros(50))
    assert psi(held, Histogram.between(held.edges, np.zeros(30))) < 0.01
    assert psi(held, Histogram.between(held.edges, np.ones(30))) > 0.25
    assert Histogram.of(np.empty(0)).rows == 0
    assert noise(held, 0, 30) == float("inf")


def test_the_index_counts_each_bin_once_and_does_not_mind_the_direction() -> None:
    a, b = Histogram((0.0,), (30.0, 70.0, 0.0)), Histogram((0.0,), (70.0, 30.0, 0.0))
    assert psi(a, b) == psi(b, a)
    r, s = np.array([30.5, 70.5, 0.5]) / 101.5, np.array([70.5, 30.5, 0.5]) / 101.5
    assert np.isclose(psi(a, b), ((r - s) * np.log(r / s)).sum())

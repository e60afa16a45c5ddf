import math
import os

import numpy as np
import pytest

from serving.explore import Shares, Ticket, fill, inverse_gap
from serving.settings import read_settings

SHARES = Shares(control=0.05, random=0.1)
SILENCE = 0


def choice_of(scores: np.ndarray, number: int):
    ticket = Ticket(f"d{number}", f"d{number}", "salt")
    about = [str(action) for action in range(len(scores))]
    return fill(SHARES, lambda still: inverse_gap(scores, still, 20.0, 10, 0.01), about, SILENCE, 1, ticket).choices[0]


@pytest.mark.proof(name="propensities")
def test_logged_probabilities_are_those_of_the_draws(record_property) -> None:
    """Mean weight of another policy within 4 standard errors of 1, recomputed = logged, none unsupported."""
    n = 1_000_000 if read_settings(os.environ).proof_size == "full" else 6_000
    rng = np.random.default_rng(5)
    table = np.column_stack([np.zeros(50), rng.normal(0.0, 1.0, (50, 11))])
    other = np.exp(table + rng.normal(0, 0.5, table.shape))
    other /= other.sum(axis=1, keepdims=True)
    weights, worst, unsupported, counts, promised = np.zeros(n), 0.0, 0, np.zeros(12), np.zeros(12)
    for number in range(n):
        row = number % 50
        choice = choice_of(table[row], number)
        weights[number] = other[row, choice.action] / choice.probability
        unsupported += int((choice.distribution <= 0).sum())
        counts[choice.action] += 1
        promised += choice.distribution
        if number % 97 == 0:
            again = choice_of(table[row], number)
            assert again.action == choice.action
            worst = max(worst, abs(again.probability - choice.probability))
    off_by = (weights.mean() - 1.0) / (weights.std(ddof=1) / math.sqrt(n))
    frequencies = np.abs(counts - promised) / np.sqrt(promised)
    record_property("draws", n)
    record_property("mean_weight", round(float(weights.mean()), 5))
    record_property("standard_errors_from_1", round(float(off_by), 2))
    record_property("recomputed_off_by", worst)
    record_property("largest_frequency_error_in_sd", round(float(frequencies.max()), 2))
    assert abs(off_by) < 4
    assert worst <= 1e-9
    assert unsupported == 0
    assert frequencies.max() < 4.5

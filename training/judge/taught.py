"""How far the observed columns can carry: trees taught the truth itself, of other customers.

The oracle knows tastes and moods that no column tells. What models earn that were taught every pair's true chances is
about the best that a learner could do with these columns and so many customers.
"""

from __future__ import annotations

import numpy as np

from serving.prediction import sigmoid
from training.folds import by_customer
from training.judge.ground import Ground
from training.parts.blend import ROUNDS, Table, fit_trees, predicted
from training.parts.parts import Columns, Said, worth
from training.value.trial import Floats, Mask

PAIRS = 8
"""Pairs of every customer that are taught."""


def taught(ground: Ground, columns: Columns, *, seed: int, threads: int) -> Floats:
    """The value of every pair, ``[n, pairs]``, said by models that were taught the truth of other customers."""
    asked, truth = ground.occasions, ground.truth
    n, pairs = asked.allowed.shape
    offer, channel = asked.all_offers(), asked.all_channels()
    drawn = np.zeros((n, pairs), dtype=np.bool_)
    drawn[np.arange(n)[:, None], np.random.default_rng(seed).random((n, pairs)).argsort(axis=1)[:, :PAIRS]] = True

    def learn(table: Table, y: Floats) -> Floats:
        found = np.zeros(len(y))
        for out in by_customer(asked.customer):
            held: Mask = np.repeat(out, pairs)
            rows = ~held & drawn.reshape(-1)
            trees = fit_trees(table.where(rows), y[rows], seed=seed, threads=threads)
            found[held] = sigmoid(predicted(trees, table.where(held), max(ROUNDS)))
        return found

    organic_true = np.broadcast_to(truth.organic[:, :, None], truth.noticed.shape).reshape(-1)
    organic = learn(columns.buying(asked.X, offer), organic_true)
    noticed = learn(columns.noticing(asked.X, offer, channel), truth.noticed.reshape(-1))
    persuaded = learn(columns.persuading(asked.X, offer, channel, organic), truth.persuaded.reshape(-1))
    value = worth(ground.known.catalogue, offer, channel, Said(noticed, persuaded, organic))
    return np.where(asked.allowed, value.reshape(n, pairs), -np.inf)

"""A reward model for cascade-DR: linear in the item, the items above it and the context, learnt from the bottom up.

At every place it predicts what is earned from there down (Kiyohara et al., *WSDM* 2022, section 4): the place's own
reward, plus what the model of the next place says of the policy under judgement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.ope.log import Floats
from training.ope.slates import Followed

FOLDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """The linear model of one place."""

    own: Floats
    """Weights of the item at the place, ``[items, context]``."""
    above: Floats
    """Weights of each item above it, ``[items, context]``."""

    def predict(self, context: Floats, above: Floats) -> Floats:
        """What is earned from this place down with each item in it, ``[n, items]``."""
        from_above: Floats = ((above @ self.above) * context).sum(axis=1)
        predicted: Floats = context @ self.own.T + from_above[:, None]
        return predicted


def cascade_model(
    customer: NDArray[np.generic],
    context: Floats,
    items: NDArray[np.intp],
    reward: Floats,
    target: Floats,
    ridge: float = 10.0,
) -> Followed:
    """The model's word on every slate, each learnt from other customers.

    Args:
        customer: Whose slate it was, ``[n]``.
        context: What is known before the slate, with a constant column, ``[n, d]``.
        items: The items shown, ``[n, k]``.
        reward: The reward of every place, ``[n, k]``.
        target: Probability of every item at every place under the policy under judgement, given the logged items
            above it, ``[n, k, items]``.
        ridge: Penalty of the squared weights, in rows.
    """
    _, code = np.unique(customer, return_inverse=True)
    chosen, policy = np.zeros(reward.shape), np.zeros(reward.shape)
    for fold in range(FOLDS):
        held = code % FOLDS == fold
        places = _fit(context[~held], items[~held], reward[~held], target[~held], ridge)
        above = np.zeros((int(held.sum()), target.shape[2]))
        for k, place in enumerate(places):
            predicted = place.predict(context[held], above)
            chosen[held, k] = predicted[np.arange(len(predicted)), items[held, k]]
            policy[held, k] = (predicted * target[held, k]).sum(axis=1)
            above[np.arange(len(above)), items[held, k]] += 1.0
    return Followed(chosen, policy)


def _fit(context: Floats, items: NDArray[np.intp], reward: Floats, target: Floats, ridge: float) -> list[_Place]:
    n, k, m = target.shape
    shown = np.eye(m)[items]
    above = np.cumsum(shown, axis=1) - shown
    below, places = np.zeros(n), []
    for place in reversed(range(k)):
        model = _ridge(context, shown[:, place], above[:, place], reward[:, place] + below, ridge)
        below = (model.predict(context, above[:, place]) * target[:, place]).sum(axis=1)
        places.append(model)
    return places[::-1]


def _ridge(context: Floats, own: Floats, above: Floats, earned: Floats, ridge: float) -> _Place:
    n, m, d = len(context), own.shape[1], context.shape[1]
    columns = [(each[:, :, None] * context[:, None, :]).reshape(n, m * d) for each in (own, above)]
    X = np.hstack(columns)
    weights: Floats = np.linalg.solve(X.T @ X + ridge * np.eye(X.shape[1]), X.T @ earned).astype(np.float64)
    return _Place(weights[: m * d].reshape(m, d), weights[m * d :].reshape(m, d))

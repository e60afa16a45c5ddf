"""Logistic regression with a ridge, fitted into the form that serving scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from serving.linear import Linear, compress
from training.calibrate import evened

Floats = NDArray[np.float64]
SAME = 1e-6
"""A column that varies less than this on the compressed scale says nothing and gets no coefficient."""


def fit_linear(X: NDArray[np.float32], taken: NDArray[Any], weight: Floats, *, softness: float) -> Linear:
    """Logistic regression of ``taken`` on columns ``[n, n_columns]``; unknown values become the column's median.

    ``softness`` is the inverse strength of the ridge (C of scikit-learn, over rows of mean weight 1). Outcomes that are
    all alike give a constant.
    """
    z = compress(X)
    known = np.isfinite(z).any(axis=0)
    impute = np.zeros(z.shape[1])
    impute[known] = np.nanmedian(z[:, known], axis=0)
    z = np.where(np.isnan(z), impute, z)
    mean, spread = z.mean(axis=0), z.std(axis=0)
    scale = np.where(spread > SAME, spread, 1.0)
    linear = Linear(impute, mean, scale, np.zeros(z.shape[1]), 0.0)
    y = np.asarray(taken, dtype=bool)
    if y.all() or not y.any():
        share = (y.sum() + 1.0) / (len(y) + 20.0)
        return Linear(impute, mean, scale, linear.coef, float(np.log(share / (1 - share))))
    told = spread > SAME
    model = LogisticRegression(C=softness, max_iter=500, tol=1e-5)
    model.fit(linear.standardised(X)[:, told], y, sample_weight=evened(weight))
    coef = np.zeros(z.shape[1])
    coef[told] = model.coef_[0]
    return Linear(impute, mean, scale, coef, float(model.intercept_[0]))

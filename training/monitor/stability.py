"""How much of the population stability index chance alone reaches.

For two samples of the same distribution it is about χ²(bins − 1)·(1/n + 1/m) (Yurdakul, *Statistical Properties of the
Population Stability Index*, 2018), so a large value of few customers may be noise.
"""

from __future__ import annotations

from scipy.stats import chi2

from serving.histogram import Histogram

CERTAIN = 0.999


def noise(reference: Histogram, customers: float, recent_customers: float) -> float:
    """The index that two samples of one distribution stay below, 999 times of 1,000.

    ``customers`` are the independent ones among the rows of each.
    """
    bins = sum(count > 0 for count in reference.counts)
    if bins < 2 or not customers or not recent_customers:
        return float("inf") if not (customers and recent_customers) else 0.0
    return float(chi2.ppf(CERTAIN, bins - 1) * (1.0 / customers + 1.0 / recent_customers))

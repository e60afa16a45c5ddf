"""The interval for as many looks as one likes: an asymptotic confidence sequence.

value ± sd·√(2(nρ²+1)/(n²ρ²) · log(√(nρ²+1)/α)): Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, *Annals of Statistics*
2024. With probability 1 − α it holds the truth at *every* look (for looks that begin after enough rows for a mean to be
near normal), so one may look daily and stop when one likes.
"""

from __future__ import annotations

import math

from training.ope.ratios import Ratios
from training.resampling import Interval


def tightest_at(customers: float, alpha: float = 0.05) -> float:
    """The ρ that makes the sequence about tightest once that many customers are in."""
    log = -2.0 * math.log(alpha)
    return math.sqrt((log + math.log1p(log)) / customers)


def confidence_sequence(ratios: Ratios, rho: float, alpha: float = 0.05) -> Interval | None:
    """The sequence at this look; None where the error is not known. ``rho`` is fixed before the first look."""
    value, error, n = ratios.value, ratios.standard_error, ratios.customers
    if value is None or error is None:
        return None
    spread = error * math.sqrt(n)
    inside = n * rho**2 + 1.0
    half = spread * math.sqrt(2.0 * inside / (n * rho) ** 2 * math.log(math.sqrt(inside) / alpha))
    return Interval(value, value - half, value + half)

"""Randomness of the market: every day and purpose has its own stream, so that what a policy does changes no draw.

Two policies on the same seed meet the same customers in the same mood (common random numbers).
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str, day: int = 0) -> np.random.Generator:
    """The generator of one purpose on one day."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), day + 1_000])

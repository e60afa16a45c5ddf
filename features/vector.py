"""FEATURES: the ordered list of everything a model may see, and the one function that reads it on- and offline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.behaviour import (
    CATEGORY_FEATURES,
    CHANNEL_FEATURES,
    CUSTOMER_FEATURES,
    MOMENT_FEATURES,
    OFFER_FEATURES,
)
from features.feature import Feature
from features.given import CONTENT_FEATURES, EVIDENCE_FEATURES, PROFILE_FEATURES
from features.rows import PROFILE_VALUES, Rows
from features.schema import EVIDENCE_SCHEMA, SCHEMA, fingerprint

FEATURES: tuple[Feature, ...] = (
    *CUSTOMER_FEATURES,
    *PROFILE_FEATURES,
    *CATEGORY_FEATURES,
    *OFFER_FEATURES,
    *CHANNEL_FEATURES,
    *MOMENT_FEATURES,
    *CONTENT_FEATURES,
    *EVIDENCE_FEATURES,
)
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


def matrix(rows: Rows, n_rows: int, names: Sequence[str]) -> NDArray[np.float32]:
    """The model's input, float32 ``[n_rows, len(names)]``, NaN where a value is unknown.

    Raises:
        KeyError: A name is no feature of FEATURES.
    """
    out = np.empty((n_rows, len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        out[:, column] = BY_NAME[name].read(rows)
    return out


def vector_fingerprint() -> str:
    """16 hex digits of stored schema and feature list. A model fitted under another fingerprint must be refused."""
    listed = [fingerprint(SCHEMA), fingerprint(EVIDENCE_SCHEMA), PROFILE_VALUES, [f.name for f in FEATURES]]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]

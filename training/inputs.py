"""Which features each part of a model reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature, Group
from features.vector import FEATURES
from serving.part import PartName

WITHOUT_CONTACT = frozenset({Group.CUSTOMER, Group.PROFILE, Group.CATEGORY, Group.MOMENT})
"""What bears on buying when nobody is contacted, with the few features of FOR_ORGANIC."""
FOR_ORGANIC = frozenset({"content_min_spend", "content_window_days", "content_margin", "evidence_bought_share"})
SAME = 1e-6
"""A column that varies less than this tells nothing."""


def readable(part: PartName, feature: Feature) -> bool:
    """True when the part may read the feature; what happens without contact depends on no channel or incentive."""
    return part is not PartName.ORGANIC or feature.group in WITHOUT_CONTACT or feature.name in FOR_ORGANIC


def columns(part: PartName, X: NDArray[np.float32]) -> tuple[str, ...]:
    """Names of the features that the part reads and that vary in these vectors ``[n, n_features]``."""
    return tuple(f.name for i, f in enumerate(FEATURES) if readable(part, f) and _varies(X[:, i]))


def _varies(column: NDArray[np.float32]) -> bool:
    """True for two different known values, or for some known and some unknown."""
    known = column[np.isfinite(column)]
    if not len(known):
        return False
    return len(known) < len(column) or float(known.max()) - float(known.min()) > SAME

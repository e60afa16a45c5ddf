"""What the policy under judgement would do that the log can never have seen."""

from __future__ import annotations

import numpy as np

from training.ope.log import Floats


def unsupported(logged: Floats, target: Floats) -> float:
    """Share of the policy's decisions (0–1) that go to actions of probability 0 in the log; both ``[n, actions]``."""
    return float(np.where(logged > 0, 0.0, target).sum(axis=1).mean()) if len(target) else 0.0

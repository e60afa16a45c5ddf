"""How customers are at a moment: attention left, stage of every intent, what was said lately, who has opted out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.parameters import CATEGORIES, MEDIA
from training.world.people import Floats, Index

NEVER = -np.inf
"""Hour of what has not happened."""


@dataclass(slots=True, eq=False)
class Condition:
    """Arrays over all customers; the market alone changes them. Hours are local and count from the opening."""

    attention: Floats
    """0–1, ``[n]``."""
    stage: Index
    """``[n, categories]``, into STAGES: several intents may run side by side."""
    opted_out: NDArray[np.bool_]
    """``[n, channels]``."""
    contacted: Floats
    """Hour of the last contact, ``[n, channels]``."""
    recent: Floats
    """Hours of the last contacts, newest first, ``[n, cap]``."""
    bought: Floats
    """Hour of today's purchase, ``[n, categories]``; infinite where there is none today."""
    pending: Floats
    """Hour of a purchase that a contact has brought about and that is still to come; infinite where there is none,
    ``[n, categories]``."""
    promised: Floats
    """Hour of the contact that did; a purchase in between takes its place, ``[n, categories]``."""

    @staticmethod
    def fresh(customers: int, cap: int) -> Condition:
        """Everyone rested, idle and never contacted."""
        return Condition(
            attention=np.ones(customers),
            stage=np.zeros((customers, len(CATEGORIES)), dtype=np.intp),
            opted_out=np.zeros((customers, len(MEDIA)), dtype=np.bool_),
            contacted=np.full((customers, len(MEDIA)), NEVER),
            recent=np.full((customers, cap), NEVER),
            bought=np.full((customers, len(CATEGORIES)), np.inf),
            pending=np.full((customers, len(CATEGORIES)), np.inf),
            promised=np.full((customers, len(CATEGORIES)), NEVER),
        )

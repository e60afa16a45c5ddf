"""What becomes of a contact that was noticed: bought, of one's own accord or persuaded. For judging beside others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from serving.grouped_part import GroupedPart
from serving.prediction import Floats, Matrix, TakenApart
from serving.typical import OfferPair


@dataclass(frozen=True)
class Bought:
    """q = p₀ + (1 − p₀)·π, as the service puts it together."""

    persuasion: GroupedPart
    organic: GroupedPart

    @property
    def features(self) -> tuple[str, ...]:
        """Those of persuasion."""
        return self.persuasion.features

    def probability(self, X: Matrix, pairs: Sequence[OfferPair]) -> Floats:
        """q of every row, ``[n]``."""
        organic = self.organic.probability(X, [(offer, category, "") for offer, category, _ in pairs])
        return organic + (1.0 - organic) * self.persuasion.probability(X, pairs)

    def taken_apart(self, X: Matrix, pairs: Sequence[OfferPair]) -> TakenApart:
        """Persuasion taken apart: p₀ is among what it reads."""
        return self.persuasion.taken_apart(X, pairs)

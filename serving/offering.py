"""The pairs of one kind of offer, ready to be judged for one customer after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.evidence import Pooled
from serving.assortment import Assortment, Factors
from serving.grouped_part import GroupedPart
from serving.model import Bundle
from serving.pairs import Known, Pair, vectors
from serving.part import Part, PartName
from serving.ready import Ready
from serving.score import Chances, Model, chances, chances_of, redeemed
from serving.staged import Staged

Matrix = NDArray[np.float32]
Places = NDArray[np.intp]


class Sight:
    """What the models see of some pairs for one customer, and what they say of it. Computed pair by pair."""

    def __init__(self, known: Known, pairs: Sequence[Pair], evidence: Pooled) -> None:
        self.known, self.pairs, self._evidence = known, pairs, evidence

    @cached_property
    def matrix(self) -> Matrix:
        """The vectors, float32 ``[n_pairs, n_features]``."""
        return vectors(self.known, self.pairs, self._evidence)

    def rows(self, places: Places) -> Matrix:
        """Those of the pairs at these places, ``[n, n_features]``."""
        return self.matrix[places]

    def chances(self, model: Model, kind: str, stranger: bool) -> Chances | None:
        """See ``score.chances``."""
        return chances(model, kind, self.pairs, self.matrix, stranger)


class Glance(Sight):
    """The same of some pairs of an offering: without a row for each unless one is looked at."""

    def __init__(self, offering: Offering, known: Known, places: Places, pairs: Sequence[Pair]) -> None:
        """``places`` are those of the pairs in the assortment."""
        super().__init__(known, pairs, offering.evidence)
        self._offering, self._places = offering, places
        self.factors: Factors = offering.assortment.factors(known)
        """What the vectors are made of."""

    @cached_property
    def matrix(self) -> Matrix:
        """See Sight."""
        return self.factors.matrix(self._places)

    def rows(self, places: Places) -> Matrix:
        """See Sight."""
        return self.factors.matrix(self._places[places])

    def chances(self, model: Model, kind: str, stranger: bool) -> Chances | None:
        """See Sight."""
        ready = self._offering.ready
        if ready is None or self._offering.model is not model:
            return super().chances(model, kind, stranger)
        said = ready.typical() if stranger else ready.probabilities(self.factors)
        here, redeemed = self._places, self._offering.redeemed
        if len(here) < len(self._offering.assortment.pairs):
            said = {name: each[here] for name, each in said.items()}
            redeemed = None if redeemed is None else redeemed[here]
        return chances_of(said.get, redeemed)


@dataclass(frozen=True, eq=False)
class Offering:
    """All pairs of one kind, laid out, with what the model says of that kind made ready."""

    evidence: Pooled
    model: Model | None
    assortment: Assortment
    place: Places
    """``[n_pairs]`` of the whole catalogue: the number of each among those of the kind, −1 for others."""
    ready: Ready | Staged | None
    redeemed: NDArray[np.bool_] | None
    """Those that must be redeemed, ``[n_pairs]``; None where none must be."""

    @staticmethod
    def of(kind: str, pairs: Sequence[Pair], evidence: Pooled, model: Model | None) -> Offering | None:
        """That of the catalogue's pairs of this kind, None where there is none. Slow: the trees are laid out anew."""
        rows = [row for row, pair in enumerate(pairs) if pair.offer.kind == kind]
        if not rows:
            return None
        place = np.full(len(pairs), -1, dtype=np.intp)
        place[rows] = np.arange(len(rows))
        own = [pairs[row] for row in rows]
        assortment, taken = Assortment(own, evidence), redeemed(own)
        return Offering(
            evidence, model, assortment, place, _ready(model, kind, assortment), taken if taken.any() else None
        )

    def glance(self, known: Known, rows: Places, pairs: Sequence[Pair]) -> Glance:
        """What the models see of these pairs, which stand at ``rows`` of the catalogue and are of this kind."""
        return Glance(self, known, self.place[rows], pairs)


def _ready(model: Model | None, kind: str, assortment: Assortment) -> Ready | Staged | None:
    if not isinstance(model, Bundle):
        return None
    parts = {name: part for name in PartName if (part := model.part(name, kind)) is not None}
    grouped = {name: part for name, part in parts.items() if isinstance(part, GroupedPart)}
    if grouped:
        return Staged(grouped, assortment) if len(grouped) == len(parts) else None
    plain = {name: part for name, part in parts.items() if isinstance(part, Part)}
    return Ready(plain, assortment) if plain else None

"""The models that judge pairs, and the chances of each pair that they tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.domain import Response
from features.quick import quick
from features.state import Floats
from serving.pairs import Pair
from serving.part import PartName, about_of
from serving.typical import OfferPair, Typical


class Part(Protocol):
    """One calibrated probability."""

    @property
    def typical(self) -> Typical:
        """The same for somebody of whom nothing is known."""
        ...

    def probability(self, X: NDArray[np.float32], pairs: Sequence[OfferPair]) -> Floats:
        """Probabilities ``[n]`` of whole vectors, float32 ``[n, n_features]``."""
        ...


class Model(Protocol):
    """The parts that one training run brought forth, by part and kind of offer."""

    @property
    def version(self) -> str:
        """The version under which the model was registered."""
        ...

    def part(self, name: PartName, kind: str) -> Part | None:
        """The part for a kind of offer; None where the model has none."""
        ...


@quick(frozen=True, slots=True)
class Chances:
    """Probabilities of each pair, ``[n_pairs]``."""

    noticed: Floats | None
    """v; None where the data cannot tell."""
    bought: Floats
    """q: what the offer is for is bought, once noticed."""
    used: Floats
    """s: the offer is taken and its incentive used, once noticed."""
    organic: Floats | None
    """p₀; None where nothing is known of it, which counts as 0."""


def chances(
    model: Model, kind: str, pairs: Sequence[Pair], seen: NDArray[np.float32], stranger: bool
) -> Chances | None:
    """What the model says of pairs of one kind; None where it has no offer response for this kind.

    Args:
        model: The model.
        kind: The kind of all pairs.
        pairs: The pairs.
        seen: Their vectors, float32 ``[n_pairs, n_features]``.
        stranger: Nothing is known of the customer, so the typical rates hold whatever the vectors say.
    """

    def probability(name: PartName) -> Floats | None:
        part = model.part(name, kind)
        if part is None:
            return None
        about = about_of(name, pairs)
        return part.typical.probability(about) if stranger else part.probability(seen, about)

    return chances_of(probability, redeemed(pairs))


def chances_of(probability: Callable[[PartName], Floats | None], redeemed: NDArray[np.bool_] | None) -> Chances | None:
    """What parts of a model say of pairs; None where none speaks of the offer response or of persuasion.

    Args:
        probability: What a part says, ``[n_pairs]``; None where there is no such part.
        redeemed: True for offers that must be redeemed, ``[n_pairs]``; None where none must be.
    """
    organic, persuaded = probability(PartName.ORGANIC), probability(PartName.PERSUASION)
    if organic is not None and persuaded is not None:
        bought = organic + (1.0 - organic) * persuaded
        return Chances(probability(PartName.CHANNEL_RESPONSE), bought, bought, organic)
    taken = probability(PartName.OFFER_RESPONSE)
    if taken is None:
        return None
    bought = taken
    if redeemed is not None:
        anyway = organic if organic is not None else np.zeros(len(taken))
        bought = np.where(redeemed, anyway + (1.0 - anyway) * taken, taken)
    return Chances(probability(PartName.CHANNEL_RESPONSE), bought, taken, organic)


def redeemed(pairs: Sequence[Pair]) -> NDArray[np.bool_]:
    """True for offers that must be redeemed, ``[n_pairs]``."""
    return np.array([pair.offer.response is Response.REDEMPTION for pair in pairs], dtype=np.bool_)

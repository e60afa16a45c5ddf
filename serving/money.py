"""What pairs cost and bring, whoever the customer is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.domain import Direction
from features.quick import quick
from features.state import Floats
from serving.attention import ASSUMED, Attention
from serving.pairs import Pair


def interrupts(pair: Pair) -> bool:
    """True where the offer needs a contact of its own: the customer did not come, and nothing carries it."""
    return pair.channel.direction is Direction.OUTBOUND and not pair.offer.enclosed


@quick(frozen=True, slots=True)
class Money:
    """What pairs cost and bring, whoever the customer is; minor units ``[n_pairs]``."""

    table: Floats
    """``[5, n_pairs]``: margin; incentive; the incentive of offers that pay it unnoticed, else 0; what the contact
    costs; what share of the price of attention is charged, 0 where none is."""

    @property
    def charged(self) -> Floats:
        """What share of the price of attention is charged: 1 of that of a mean contact, 0 where nobody is
        interrupted."""
        charged: Floats = self.table[4]
        return charged

    @staticmethod
    def of(pairs: Sequence[Pair], attention: Attention = ASSUMED) -> Money:
        """That of these pairs. An enclosed offer is charged neither attention nor cost."""
        rows = [
            (
                pair.offer.margin_minor,
                pair.offer.incentive_minor,
                pair.offer.incentive_minor if pair.offer.automatic else 0,
                0.0 if pair.offer.enclosed else pair.channel.cost_minor,
                attention.share(pair.channel.name) if interrupts(pair) else 0.0,
            )
            for pair in pairs
        ]
        return Money(np.array(rows, dtype=np.float64).reshape(len(pairs), 5).T.copy())

    def at(self, places: NDArray[np.intp]) -> Money:
        """That of the pairs at these places, ascending and each once."""
        return self if len(places) == self.table.shape[1] else Money(self.table.take(places, axis=1))

"""What the market lets others see: events and decisions, kept as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.world.people import Floats, Index

NONE = -1
"""Index of what does not apply: no offer, no category, no decision."""
Column = NDArray[np.generic]


@dataclass(slots=True)
class Diary:
    """Pages of equal columns; the order is that in which things were written down."""

    events: list[Mapping[str, Column]] = field(default_factory=list)
    decisions: list[Mapping[str, Column]] = field(default_factory=list)

    def happened(
        self,
        kind: str,
        customer: Index,
        hour: Floats,
        *,
        channel: str | Column,
        offer: Index | int = NONE,
        category: Index | int = NONE,
        decision: Index | int = NONE,
        value: Floats | int = NONE,
        late_hours: Floats | float = 0.0,
    ) -> None:
        """Write events of one kind down; hours are local and count from the opening."""
        n = len(customer)
        page: dict[str, Column] = {"kind": np.full(n, kind), "customer": customer, "hour": hour}
        given = {"channel": channel, "offer": offer, "category": category, "decision": decision, "value": value}
        for name, values in (given | {"late_hours": late_hours}).items():
            page[name] = np.broadcast_to(np.asarray(values), (n,))
        self.events.append(page)

    def decided(self, page: Mapping[str, Column]) -> None:
        """Write decisions down: customer, hour, offer, channel, probability, noticed."""
        self.decisions.append(page)

    def all_events(self) -> dict[str, Column]:
        """Every event, column by column."""
        return _joined(self.events)

    def all_decisions(self) -> dict[str, Column]:
        """Every decision, column by column."""
        return _joined(self.decisions)


def _joined(pages: list[Mapping[str, Column]]) -> dict[str, Column]:
    return {name: np.concatenate([page[name] for page in pages]) for name in (pages[0] if pages else ())}

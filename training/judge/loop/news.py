"""What happens in the market, told to the service when it is learnt: not before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import Instant
from features.instant import format_instant
from training.world.contract import customer_ids, instants, offer_ids
from training.world.diary import NONE
from training.world.market import Market
from training.world.parameters import CATEGORIES

OWN = frozenset({"sent"})
"""Events that the sender reports by itself."""


@dataclass(slots=True)
class News:
    """Events of a market's diary that are still to be told."""

    market: Market
    decisions: dict[int, str] = field(default_factory=dict)
    """The service's id of each decision that the market made a contact of."""
    _read: int = 0
    _number: int = 0
    _waiting: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """With the instant at which each is learnt."""

    def due(self, until: Instant) -> list[dict[str, Any]]:
        """What is learnt by an instant, oldest first; nothing is told twice."""
        for page in self.market.diary.events[self._read :]:
            self._waiting += self._events(page)
        self._read = len(self.market.diary.events)
        told = sorted((each for each in self._waiting if each[0] <= until), key=lambda each: each[0])
        self._waiting = [each for each in self._waiting if each[0] > until]
        return [event for _, event in told]

    def _events(self, page: Any) -> list[tuple[int, dict[str, Any]]]:
        if not len(page["customer"]) or str(page["kind"][0]) in OWN:
            return []
        here = self.market.people.joined[page["customer"]] <= self.market.day
        rows = {name: values[here] for name, values in page.items()}
        hour = rows["hour"].astype(np.float64)
        occurred = _us(self.market, rows["customer"], hour)
        received = _us(self.market, rows["customer"], hour + rows["late_hours"].astype(np.float64))
        customers = customer_ids(rows["customer"]).to_pylist()
        offers = offer_ids(rows["offer"]).to_pylist()
        found = []
        for i, customer in enumerate(customers):
            self._number += 1
            event = {
                "source": "market",
                "event_id": f"n{self._number}",
                "customer_id": customer,
                "kind": str(rows["kind"][i]),
                "channel": str(rows["channel"][i]),
                "occurred_at": format_instant(Instant(int(occurred[i]))),
                "offer_id": offers[i],
                "category": None if rows["category"][i] == NONE else CATEGORIES[int(rows["category"][i])],
                "value_minor": None if rows["value"][i] == NONE else int(rows["value"][i]),
                "decision_id": self.decisions.get(int(rows["decision"][i])),
            }
            found.append((int(received[i]), {name: value for name, value in event.items() if value is not None}))
        return found


def _us(market: Market, customer: NDArray[Any], hour: NDArray[np.float64]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = instants(market, customer.astype(np.intp), hour).cast("int64").to_numpy()
    return found

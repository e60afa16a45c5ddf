"""What was decided for one customer, in the few numbers that a comparison needs, and for everybody, as columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.decision import Decision

Floats = NDArray[np.float64]


@dataclass
class Everybody:
    """All decisions with one policy, in the order of the customers."""

    value: list[float] = field(default_factory=list)
    """Modelled incremental value of what would be offered, minor units; 0 for silence."""
    contacts: list[int] = field(default_factory=list)
    """Outbound messages."""
    choice: list[tuple[str, str] | None] = field(default_factory=list)
    """Offer and channel; None for silence."""
    considered: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    """Pairs by the rule that removed them."""
    closed: Counter[str] = field(default_factory=Counter)
    """Customers of whom a rule removed at least one pair."""
    eligible: int = 0
    below_silence: int = 0

    def add(self, decision: Decision) -> None:
        """One customer more."""
        first = decision.items[0].scored if decision.items else None
        self.value.append(0.0 if first is None else first.value)
        self.contacts.append(len(decision.grant.contacts))
        self.choice.append(None if first is None else (first.pair.offer.offer_id, first.pair.channel.name))
        self.considered += decision.funnel.considered
        counts = decision.funnel.removed.counts()
        self.removed.update(counts)
        self.closed.update(counts.keys())
        self.eligible += decision.funnel.eligible
        self.below_silence += int((decision.funnel.scores <= 0).sum())

    @property
    def reached(self) -> int:
        """Customers to whom something would be offered."""
        return sum(each is not None for each in self.choice)

    def per(self, part: int) -> Counter[str]:
        """Customers by offer (0) or channel (1)."""
        return Counter(each[part] for each in self.choice if each is not None)


@dataclass(frozen=True, slots=True)
class Interval:
    """A sum over customers with its 95 % interval, minor units."""

    value: float
    low: float
    high: float


DRAWS = 1_000


def interval(values: Sequence[float], seed: int) -> Interval:
    """The sum, bootstrapped over customers; of nobody 0."""
    each = np.array(values, dtype=np.float64)
    if not len(each):
        return Interval(0.0, 0.0, 0.0)
    rng = np.random.default_rng(seed)
    sums = np.array([each[rng.integers(0, len(each), len(each))].sum() for _ in range(DRAWS)])
    low, high = np.quantile(sums, [0.025, 0.975])
    return Interval(float(each.sum()), float(low), float(high))


def differences(before: Everybody, after: Everybody) -> Floats:
    """What each customer would bring more, minor units ``[n_customers]``."""
    more: Floats = np.array(after.value) - np.array(before.value)
    return more


def grouped(names: Iterable[str | None]) -> dict[str, NDArray[np.intp]]:
    """The places of the customers of each group, by name; those of whom it is not known are left out."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            found.setdefault(name, []).append(place)
    return {name: np.array(places, dtype=np.intp) for name, places in sorted(found.items())}

"""FEATURES: the ordered list of everything a model may see, and the one function that reads it on- and offline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.behaviour import (
    CATEGORY_FEATURES,
    CHANNEL_FEATURES,
    CUSTOMER_FEATURES,
    MOMENT_FEATURES,
    OFFER_FEATURES,
)
from features.feature import Feature, Group, remembered
from features.given import CONTENT_FEATURES, EVIDENCE_FEATURES, PROFILE_FEATURES
from features.past import Past
from features.rows import PROFILE_VALUES, Rows
from features.schema import (
    BY_CATEGORY,
    BY_CHANNEL,
    BY_OFFER,
    CUSTOMER,
    EVIDENCE_SCHEMA,
    SCHEMA,
    Section,
    fingerprint,
)

FEATURES: tuple[Feature, ...] = (
    *CUSTOMER_FEATURES,
    *PROFILE_FEATURES,
    *CATEGORY_FEATURES,
    *OFFER_FEATURES,
    *CHANNEL_FEATURES,
    *MOMENT_FEATURES,
    *CONTENT_FEATURES,
    *EVIDENCE_FEATURES,
)
Run = Callable[[Callable[[int], None], Iterable[int]], Iterable[None]]
"""Does something for each number: ``map``, or that of a pool of threads."""
_TOGETHER = 16
"""Columns that share what a processor fetches at once: two that wrote into it would wait for each other."""
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


def matrix(rows: Rows, n_rows: int, names: Sequence[str], run: Run = map) -> NDArray[np.float32]:
    """The model's input, float32 ``[n_rows, len(names)]``, NaN where a value is unknown.

    ``run`` calls a function for each of some, as ``map`` does; a pool's does so at the same time.

    Raises:
        KeyError: A name is no feature of FEATURES.
    """
    out = np.empty((n_rows, len(names)), dtype=np.float32)

    def write(begin: int) -> None:
        for column, name in enumerate(names[begin : begin + _TOGETHER], begin):
            out[:, column] = BY_NAME[name].read(rows)

    for _ in run(write, range(0, len(names), _TOGETHER)):
        pass
    return out


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one group: the slots of its section as they are remembered, then what is made of them."""

    place: slice
    """Where they stand in FEATURES."""
    made: tuple[Feature, ...]

    @property
    def width(self) -> int:
        """How many they are."""
        return int(self.place.stop - self.place.start)

    def of(self, rows: Rows, past: Past | None, remembered: Callable[[Past], Iterable[Any]]) -> Iterator[Any]:
        """The values of every column, in their order: of whatever kind the rows are made.

        Args:
            rows: What they are read from.
            past: What the rows hold of the group's section; None where it has none.
            remembered: The sums of a past, then its days, column by column.
        """
        if past is not None:
            yield from remembered(past)
        for feature in self.made:
            yield feature.read(rows)


def _columns(group: Group, section: Section | None = None) -> Columns:
    """Raises ValueError where the features of a group do not stand together, or not after those of its section."""
    places = [place for place, feature in enumerate(FEATURES) if feature.group is group]
    found = slice(places[0], places[-1] + 1)
    told = (
        [] if section is None else [feature.name for feature in remembered(section, group, lambda rows: rows.customer)]
    )
    names = [feature.name for feature in FEATURES[found]]
    if len(names) != len(places) or names[: len(told)] != told:
        raise ValueError(f"the features of {group} do not stand together in FEATURES, those of its section first")
    return Columns(found, FEATURES[found][len(told) :])


COLUMNS: dict[Group, Columns] = {
    Group.CUSTOMER: _columns(Group.CUSTOMER, CUSTOMER),
    Group.PROFILE: _columns(Group.PROFILE),
    Group.CATEGORY: _columns(Group.CATEGORY, BY_CATEGORY),
    Group.OFFER: _columns(Group.OFFER, BY_OFFER),
    Group.CHANNEL: _columns(Group.CHANNEL, BY_CHANNEL),
    Group.MOMENT: _columns(Group.MOMENT),
    Group.CONTENT: _columns(Group.CONTENT),
    Group.EVIDENCE: _columns(Group.EVIDENCE),
}


def vector_fingerprint() -> str:
    """16 hex digits of stored schema and feature list. A model fitted under another fingerprint must be refused."""
    listed = [fingerprint(SCHEMA), fingerprint(EVIDENCE_SCHEMA), PROFILE_VALUES, [f.name for f in FEATURES]]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]

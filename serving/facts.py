"""What conditions may name, and the value each name has for one customer and every pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any, cast

import numpy as np

from features.content import content
from features.domain import Instant
from features.evidence import Pooled, pool
from features.feature import Group
from features.moment import hour_key, weekday_key
from features.past import Past
from features.quick import quick
from features.rows import GENDERS, PROFILE_VALUES, Content, Evidence, Rows
from features.schema import BY_CATEGORY, BY_CHANNEL, BY_HOUR, BY_OFFER, BY_WEEKDAY, Section
from features.stage import stages
from features.state import Floats, empty
from features.vector import BY_NAME, FEATURES
from serving.comparison import Sort, Value
from serving.pairs import Known, Pair, customer_past, first, keyed, memory_of, moment_of, stranger

PROFILE, FEATURE, CONTEXT, OFFER, CHANNEL = "profile.", "feature.", "context.", "offer.", "channel."
STAGE = "customer.stage"
"""The stage of the buying cycle in what an offer is for."""
_OFFER = {
    "offer_id": Sort.TEXT,
    "kind": Sort.TEXT,
    "category": Sort.TEXT,
    "buys": Sort.TEXT,
    "purpose": Sort.TEXT,
    "importance": Sort.TEXT,
    "response": Sort.TEXT,
    "automatic": Sort.FLAG,
    "priority": Sort.NUMBER,
    "margin_minor": Sort.NUMBER,
    "incentive_minor": Sort.NUMBER,
    "price_minor": Sort.NUMBER,
    "min_spend_minor": Sort.NUMBER,
    "window_days": Sort.NUMBER,
}
_CHANNEL = {"name": Sort.TEXT, "direction": Sort.TEXT, "addressable": Sort.FLAG, "cost_minor": Sort.NUMBER}
_PROFILE = {
    **dict.fromkeys(PROFILE_VALUES, Sort.NUMBER),
    "gender": Sort.TEXT,
    "home_owner": Sort.FLAG,
    "tenure_days": Sort.NUMBER,
}
_OF_CUSTOMER = (Group.CUSTOMER, Group.PROFILE, Group.MOMENT)


def _named(prefix: str, sorts: Mapping[str, Sort]) -> dict[str, Sort]:
    return {prefix + name: sort for name, sort in sorts.items()}


CONTEXT_NAMES: Mapping[str, Sort] = {f"{CONTEXT}*": Sort.ANY}
"""What a condition on the context of the request may name."""
CUSTOMER_NAMES: Mapping[str, Sort] = _named(PROFILE, _PROFILE) | _named(
    FEATURE, {f.name: Sort.NUMBER for f in FEATURES if f.group in _OF_CUSTOMER}
)
"""What a condition on a customer alone may name."""
NAMES: Mapping[str, Sort] = {
    **_named(OFFER, _OFFER),
    **_named(CHANNEL, _CHANNEL),
    **_named(PROFILE, _PROFILE),
    **_named(FEATURE, {f.name: Sort.NUMBER for f in FEATURES}),
    STAGE: Sort.TEXT,
    **CONTEXT_NAMES,
}
"""What a condition on an offer on a channel may name."""


class _Rows:
    """The inputs of features as ``pairs.rows`` gives them, each made when the first feature asks for it: a condition
    asks for one or two."""

    def __init__(self, known: Known, pairs: Sequence[Pair], evidence: Pooled) -> None:
        self._state, self._pairs, self._evidence = known.activity or empty(), pairs, evidence
        self._at, self._zone = known.at, known.zone
        self.at, self.profile, self.moment = np.array(known.at, dtype=np.int64), known.profile, moment_of(known)

    @cached_property
    def customer(self) -> Past:
        return customer_past(self._state, self._at)

    @cached_property
    def categories_known(self) -> Floats:
        return np.array(float(len(memory_of(self._state, BY_CATEGORY).keys)))

    @cached_property
    def category(self) -> Past:
        return self._keyed(BY_CATEGORY, [pair.offer.buys or pair.offer.category for pair in self._pairs])

    @cached_property
    def offer(self) -> Past:
        return self._keyed(BY_OFFER, [pair.offer.offer_id for pair in self._pairs])

    @cached_property
    def channel(self) -> Past:
        return self._keyed(BY_CHANNEL, [pair.channel.name for pair in self._pairs])

    @cached_property
    def hour(self) -> Past:
        return first(self._keyed(BY_HOUR, [hour_key(float(self.moment.hour))]))

    @cached_property
    def weekday(self) -> Past:
        return first(self._keyed(BY_WEEKDAY, [weekday_key(float(self.moment.weekday))]))

    @cached_property
    def content(self) -> Content:
        return content([pair.offer for pair in self._pairs], [pair.channel for pair in self._pairs])

    @cached_property
    def evidence(self) -> Evidence:
        offers, channels = [p.offer.offer_id for p in self._pairs], [p.channel.name for p in self._pairs]
        return self._evidence.rows(offers, channels)

    def _keyed(self, section: Section, keys: Sequence[str]) -> Past:
        return keyed(self._state, section, keys, self._at)


@quick(frozen=True, eq=False)
class Facts:
    """The values for one customer: of the customer alone one each, of the pairs arrays ``[n_pairs]``."""

    known: Known
    pairs: Sequence[Pair]
    evidence: Pooled
    context: Mapping[str, object] = field(default_factory=dict)
    _found: dict[str, Value] = field(default_factory=dict)
    """What was read before: many conditions ask for the same few names."""

    def read(self, name: str) -> Value:
        """The value that a name of NAMES has but those of offers and channels, which ``of_pairs`` gives."""
        if name not in self._found:
            self._found[name] = self._value(name)
        return self._found[name]

    def _value(self, name: str) -> Value:
        if name.startswith(CONTEXT):
            return self.context.get(name.removeprefix(CONTEXT))
        if name.startswith(PROFILE):
            return self._told(name.removeprefix(PROFILE))
        if name == STAGE:
            return stages(self._rows.category)
        return BY_NAME[name.removeprefix(FEATURE)].read(cast(Rows, self._rows))

    @cached_property
    def _rows(self) -> _Rows:
        return _Rows(self.known, self.pairs, self.evidence)

    def _told(self, name: str) -> Value:
        profile = self.known.profile
        if name == "tenure_days":
            return float(profile.tenure_days(np.array(self.known.at, dtype=np.int64)))
        value = float(profile.value(name))
        if name == "gender":
            return None if np.isnan(value) else GENDERS[int(value)]
        if name == "home_owner":
            return None if np.isnan(value) else bool(value)
        return value


def of_pairs(pairs: Sequence[Pair]) -> dict[str, Value]:
    """The values of offers and channels, and the features of them, which never change: arrays ``[n_pairs]`` by name."""
    nobody = _Rows(stranger(Instant(0)), pairs, pool((), (), {}, Instant(0)))
    offers = {OFFER + name: _column([getattr(p.offer, name) for p in pairs], sort) for name, sort in _OFFER.items()}
    channels = {
        CHANNEL + name: _column([getattr(p.channel, name) for p in pairs], sort) for name, sort in _CHANNEL.items()
    }
    features = {FEATURE + f.name: f.read(cast(Rows, nobody)) for f in FEATURES if f.group is Group.CONTENT}
    return offers | channels | features


def _column(values: list[Any], sort: Sort) -> Value:
    if sort is Sort.NUMBER:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if sort is Sort.FLAG:
        return np.array(values, dtype=np.bool_)
    return np.array([None if value is None else str(value) for value in values], dtype=np.object_)

"""Which events have to be read for the rules, and how far back: those that the customer's state says there can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from features.catalogue import Catalogue
from features.domain import DAY, Instant, Kind
from features.schema import CUSTOMER
from features.state import State
from serving.eligibility.reach import BOUNCE_DAYS, SEEN
from serving.eligibility.rest import KINDS
from serving.pairs import memory_of
from serving.policy.policy import After, Policy

FAR_DAYS = 3_650.0
"""For what may have happened ever: the state remembers the latest of most kinds anyway."""


@dataclass(frozen=True, slots=True)
class Need:
    """Events that one rule asks for."""

    kinds: frozenset[Kind]
    days: float
    """How far back."""
    unless_without: frozenset[Kind]
    """Where nothing of these kinds happened in these days, none of the others matters."""


def needs_of(policy: Policy, catalogue: Catalogue) -> tuple[Need, ...]:
    """What the rules ask for under a policy."""
    return tuple(_needs(policy, max((offer.window_days for offer in catalogue.offers), default=0.0)))


def _needs(policy: Policy, longest_days: float) -> Iterator[Need]:
    yield Need(SEEN | {Kind.BOUNCED}, BOUNCE_DAYS, frozenset({Kind.BOUNCED}))
    for rest in policy.rests:
        ignored = rest.after is After.IGNORED
        days = rest.within_days + rest.rest_days + (longest_days if ignored else 0.0)
        yield Need(KINDS[rest.after], days, frozenset({Kind.SENT}) if ignored else KINDS[rest.after])
    for line in policy.sequences:
        if line.event is not None:
            kinds = frozenset({line.event})
            yield Need(kinds, FAR_DAYS if line.within_days is None else line.within_days, kinds)


def spans(needs: Iterable[Need], activity: State | None, at: Instant) -> dict[Kind, int]:
    """How far back events of each kind are to be read for one customer, microseconds; most have nothing to read."""
    memory = None if activity is None else memory_of(activity, CUSTOMER)
    if memory is None or not memory.keys:
        return {}
    latest = memory.instants[0].tolist()
    found: dict[Kind, int] = {}
    for need in needs:
        length = round(need.days * DAY)
        told = [latest[place] for place in _places(need.unless_without)]
        if not told or max(told) >= at - length:
            for kind in need.kinds:
                found[kind] = max(length, found.get(kind, 0))
    return {kind: found[kind] for kind in _sorted(frozenset(found))} if found else found


@cache
def _sorted(kinds: frozenset[Kind]) -> tuple[Kind, ...]:
    return tuple(sorted(kinds))


@cache
def _places(kinds: frozenset[Kind]) -> tuple[int, ...]:
    """Where the state remembers the latest of any of these kinds."""
    return tuple(place for place, remembered in _LATEST if remembered & kinds)


_LATEST = [(place, e.measure.kinds) for place, e in enumerate(CUSTOMER.extremes) if not e.earliest]
"""What the state remembers the latest of; of a kind that is none of these, it cannot tell."""

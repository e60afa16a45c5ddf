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
    span_us: int
    """How far back."""
    places: tuple[int, ...]
    """Where the state remembers the latest of those without which none of the others matters."""


def needs_of(policy: Policy, catalogue: Catalogue) -> tuple[Need, ...]:
    """What the rules ask for under a policy."""
    return tuple(_needs(policy, max((offer.window_days for offer in catalogue.offers), default=0.0)))


def _needs(policy: Policy, longest_days: float) -> Iterator[Need]:
    yield _need(SEEN | {Kind.BOUNCED}, BOUNCE_DAYS, frozenset({Kind.BOUNCED}))
    for rest in policy.rests:
        ignored = rest.after is After.IGNORED
        days = rest.within_days + rest.rest_days + (longest_days if ignored else 0.0)
        yield _need(KINDS[rest.after], days, frozenset({Kind.SENT}) if ignored else KINDS[rest.after])
    for line in policy.sequences:
        if line.event is not None:
            kinds = frozenset({line.event})
            yield _need(kinds, FAR_DAYS if line.within_days is None else line.within_days, kinds)


def _need(kinds: frozenset[Kind], days: float, unless_without: frozenset[Kind]) -> Need:
    places = tuple(place for place, told in _LATEST if told & unless_without)
    return Need(kinds, round(days * DAY), places or (_NOW,))


def spans(needs: Iterable[Need], activity: State | None, at: Instant) -> dict[Kind, int]:
    """How far back events of each kind are to be read for one customer, microseconds; most have nothing to read."""
    found: dict[Kind, int] = {}
    memory = None if activity is None else memory_of(activity, CUSTOMER)
    if memory is None or not memory.keys:
        return found
    latest = [*memory.instants[0].tolist(), at]
    for need in needs:
        length = need.span_us
        for place in need.places:
            if latest[place] >= at - length:
                for kind in need.kinds:
                    found[kind] = max(length, found.get(kind, 0))
                break
    return {kind: found[kind] for kind in _sorted(frozenset(found))} if found else found


@cache
def _sorted(kinds: frozenset[Kind]) -> tuple[Kind, ...]:
    return tuple(sorted(kinds))


_LATEST = [(place, e.measure.kinds) for place, e in enumerate(CUSTOMER.extremes) if not e.earliest]
"""What the state remembers the latest of; of a kind that is none of these, it cannot tell."""
_NOW = -1
"""Behind them stands the instant of the question: what the state cannot tell of can have happened by then."""

"""The catalogue and the policy laid out for being asked about one customer after the other: arrays over all pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import Channel, ChannelName, Direction, Importance, Instant, Offer, OfferId
from features.state import NEVER, NOT_YET
from serving.facts import NAMES, of_pairs
from serving.ledger.counting import subject_of
from serving.ledger.shared import stock_key
from serving.moments import Timetable
from serving.money import interrupts
from serving.nouns import Nouns
from serving.pairs import Pair, pairs_of
from serving.policy.policy import Budget, Per, Policy, Requirement, Rest, Sequence
from serving.predicate import Predicate, compile

Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate with the pairs that it is about."""

    name: str
    predicate: Predicate
    about: Flags


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of one offer."""

    key: str
    most: int
    about: Flags


@dataclass(frozen=True, slots=True)
class Subjects:
    """What caps and rests call the pairs: by channel, offer, category or purpose, or all of them one thing."""

    numbers: Mapping[str, int]
    of: Places
    """The number of each pair's subject, ``[n_pairs]``."""

    def pairs(self, name: str) -> Flags | None:
        """The pairs that are called so; None where there are none."""
        number = self.numbers.get(name)
        return None if number is None else self.of == number


@dataclass(frozen=True, eq=False)
class Shelf:
    """Everything about the pairs that no customer changes; arrays are ``[n_pairs]``."""

    catalogue: Catalogue
    policy: Policy
    pairs: tuple[Pair, ...]
    channels: tuple[Channel, ...]
    offers: tuple[Offer, ...]
    channel: Places
    """Place of the pair's channel in ``channels``."""
    offer: Places
    """Place of the pair's offer in ``offers``."""
    places: Mapping[OfferId, Places]
    """Where the pairs of an offer stand."""
    of_kind: Mapping[str, Flags]
    others: Mapping[str, Flags | None]
    """By kind the pairs of other kinds; None where there are none."""
    valid_from: NDArray[np.int64]
    valid_to: NDArray[np.int64]
    begun: int
    """The instant from which every offer has begun."""
    ending: int
    """The last instant at which none has ended."""
    promotional: Flags
    only_promotions: bool
    outbound: Flags
    inbound: Flags
    timed: Flags
    """Those whose message may wait for a better moment: promotions that interrupt the customer."""
    mandatory: Flags
    every: Flags
    """True for all."""
    closed: Flags | None
    """On a channel that the policy closes; None where there are none."""
    unaddressable: Flags | None
    """On an outbound channel that cannot address one customer; None where there are none."""
    spend_minor: NDArray[np.float64]
    """What budgets are charged: the incentive, as if it were used, and the contact."""
    priority: NDArray[np.int64]
    priorities: tuple[int, ...]
    """Every priority there is, ascending."""
    stocks: tuple[Stock, ...]
    budgets: tuple[tuple[Budget, Flags], ...]
    needs_sent: tuple[tuple[OfferId, Flags], ...]
    """Offers that must have been sent before, with the pairs that need it."""
    rules: tuple[Condition, ...]
    """Those of the offers; offers with the same text share one."""
    requirements: tuple[Condition, ...]
    """Those of the policy."""
    rests: tuple[Rest, ...]
    sequences: tuple[tuple[Sequence, Flags], ...]
    subjects: Mapping[Per, Subjects]
    claims: tuple[bool, ...]
    """Whether the ledger has to be asked for anything: a message, or something that all customers share."""
    named: tuple[tuple[OfferId, ChannelName], ...]
    nouns: Nouns
    timetable: Timetable

    @staticmethod
    def of(catalogue: Catalogue, policy: Policy) -> Shelf:
        """Lay everything out.

        Raises:
            PredicateError: A condition of an offer or of the policy cannot be understood.
        """
        pairs = pairs_of(catalogue)
        channels, offers = catalogue.channels, catalogue.offers
        numbered = {name: number for number, name in enumerate(catalogue.channel)}
        offered = {offer_id: number for number, offer_id in enumerate(catalogue.offer)}
        promotional = _where(p.offer.importance is Importance.PROMOTIONAL for p in pairs)
        outbound = _where(p.channel.direction is Direction.OUTBOUND for p in pairs)
        offer = np.array([offered[p.offer.offer_id] for p in pairs], dtype=np.intp)
        of_kind = {kind: _where(p.offer.kind == kind for p in pairs) for kind in catalogue.kinds}
        valid_from = _instants((p.offer.valid_from for p in pairs), NEVER)
        valid_to = _instants((p.offer.valid_to for p in pairs), NOT_YET)
        return Shelf(
            catalogue=catalogue,
            policy=policy,
            pairs=pairs,
            channels=channels,
            offers=offers,
            channel=np.array([numbered[p.channel.name] for p in pairs], dtype=np.intp),
            offer=offer,
            places={o: np.flatnonzero(offer == number) for o, number in offered.items()},
            of_kind=of_kind,
            others={kind: _any(~flags) for kind, flags in of_kind.items()},
            valid_from=valid_from,
            valid_to=valid_to,
            begun=int(valid_from.max(initial=NEVER)),
            ending=int(valid_to.min(initial=NOT_YET)),
            promotional=promotional,
            only_promotions=bool(promotional.all()),
            outbound=outbound,
            inbound=_where(p.channel.direction is Direction.INBOUND for p in pairs),
            timed=promotional & outbound & ~_where(p.offer.enclosed for p in pairs),
            mandatory=_where(p.offer.importance is Importance.MANDATORY for p in pairs),
            every=np.ones(len(pairs), dtype=np.bool_),
            closed=_any(_where(p.channel.name in policy.closed_channels for p in pairs)),
            unaddressable=_any(outbound & ~_where(p.channel.addressable for p in pairs)),
            spend_minor=np.array([p.offer.incentive_minor + p.channel.cost_minor for p in pairs], dtype=np.float64),
            priority=np.array([p.offer.priority for p in pairs], dtype=np.int64),
            priorities=tuple(sorted({o.priority for o in offers})),
            stocks=tuple(
                Stock(stock_key(o.offer_id), o.stock, _where(p.offer is o for p in pairs))
                for o in offers
                if o.stock is not None
            ),
            budgets=tuple((budget, _where(budget.about.selects(p) for p in pairs)) for budget in policy.budgets),
            needs_sent=tuple(
                (needed, _where(p.offer.audience == needed for p in pairs))
                for needed in dict.fromkeys(o.audience for o in offers if o.audience is not None)
            ),
            rules=_rules(pairs),
            requirements=_requirements(policy.requirements, pairs),
            rests=policy.rests,
            sequences=tuple((each, _where(each.stops.selects(p) for p in pairs)) for each in policy.sequences),
            subjects={per: _subjects(per, pairs) for per in Per},
            claims=tuple(
                bool(policy.capacities or policy.budgets) or interrupts(p) or p.offer.stock is not None for p in pairs
            ),
            named=tuple((p.offer.offer_id, p.channel.name) for p in pairs),
            nouns=Nouns.of(pairs),
            timetable=Timetable(policy.quiet, tuple(channel.name for channel in channels), policy.horizon_hours),
        )

    def on(self, by_channel: Iterable[bool]) -> Flags:
        """What holds of each channel, in their order, for every pair on it."""
        found: Flags = np.fromiter(by_channel, dtype=np.bool_, count=len(self.channels))[self.channel]
        return found

    def channel_names(self) -> tuple[ChannelName, ...]:
        """Names of the channels, in their order."""
        return tuple(channel.name for channel in self.channels)


def _any(pairs: Flags) -> Flags | None:
    return pairs if pairs.any() else None


def _where(holds: Iterable[bool]) -> Flags:
    return np.array(list(holds), dtype=np.bool_)


def _instants(instants: Iterable[Instant | None], otherwise: Instant) -> NDArray[np.int64]:
    return np.array([otherwise if instant is None else instant for instant in instants], dtype=np.int64)


def _rules(pairs: tuple[Pair, ...]) -> tuple[Condition, ...]:
    settled = of_pairs(pairs)
    return tuple(
        Condition(text, compile(text, NAMES).given(settled), _where(p.offer.rule == text for p in pairs))
        for text in dict.fromkeys(pair.offer.rule for pair in pairs if pair.offer.rule)
    )


def _requirements(requirements: tuple[Requirement, ...], pairs: tuple[Pair, ...]) -> tuple[Condition, ...]:
    settled = of_pairs(pairs)
    return tuple(
        Condition(each.name, compile(each.needs, NAMES).given(settled), _where(each.about.selects(p) for p in pairs))
        for each in requirements
    )


def _subjects(per: Per, pairs: tuple[Pair, ...]) -> Subjects:
    names = [subject_of(per, pair) for pair in pairs]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return Subjects(numbers, np.array([numbers[name] for name in names], dtype=np.intp))

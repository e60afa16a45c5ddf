"""What all customers together use up: the stock of offers, the capacity of channels, budgets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from features.domain import DAY, HOUR, Instant, Kind, Offer, OfferId, Response
from serving.ledger.contact import ContactId
from serving.ledger.counting import stretch
from serving.ledger.reservation import Held, Take
from serving.pairs import Pair
from serving.policy.policy import Policy
from serving.policy.window import Window


def stock_key(offer_id: OfferId) -> str:
    """The key of an offer's stock."""
    return f"stock:{offer_id}"


def window_key(noun: str, name: str, window: Window | None, moment: Instant) -> str:
    """The key of a capacity or budget in the stretch of the UTC calendar that holds the moment."""
    if window is None or window.calendar is None:
        return f"{noun}:{name}"
    number = int(stretch(window.calendar, np.array([moment], dtype=np.int64), "UTC")[0])
    return f"{noun}:{name}:{window.calendar}:{number}"


def takes_of(policy: Policy, pair: Pair, moment: Instant, contact_id: ContactId | None = None) -> tuple[Take, ...]:
    """What granting an offer on a channel takes of all that is shared.

    A budget is charged with the contact's cost and the whole incentive, which comes back unless it is used.
    """
    offer, channel = pair.offer, pair.channel
    found = []
    if offer.stock is not None:
        found.append(Take(stock_key(offer.offer_id), 1, offer.stock, contact_id))
    for capacity in policy.capacities:
        if capacity.channel == channel.name:
            key = window_key("capacity", capacity.name, capacity.window, moment)
            found.append(Take(key, 1, capacity.most, contact_id))
    for budget in policy.budgets:
        if budget.about.selects(pair):
            key = window_key("budget", budget.name, budget.window, moment)
            spend = offer.incentive_minor + channel.cost_minor
            found.append(Take(key, spend, budget.most_minor, contact_id, _held(offer, moment)))
    return tuple(found)


def _held(offer: Offer, moment: Instant) -> Held | None:
    if not offer.incentive_minor:
        return None
    kind = Kind.REDEEMED if offer.response is Response.REDEMPTION else Kind.PURCHASED
    until = Instant(moment + round(offer.window_days * DAY))
    return Held(offer.offer_id, offer.incentive_minor, kind, offer.buys, until)


def of_message(takes: Iterable[Take]) -> tuple[Take, ...]:
    """What one message takes that carries several offers: it is one contact of its channel's capacity."""
    found: dict[Take, None] = {}
    rest = []
    for take in takes:
        if take.key.startswith("capacity:"):
            found[take] = None
        else:
            rest.append(take)
    return (*found, *rest)


def keys_of(policy: Policy, stocks: Iterable[str], at: Instant) -> tuple[str, ...]:
    """Every key that an offer made now, or within the policy's horizon, may take something of.

    ``stocks`` are the keys of the stocks.
    """
    if not policy.capacities and not policy.budgets:
        return tuple(stocks)
    end = Instant(at + policy.horizon_hours * HOUR)
    # No stretch of the calendar is shorter than a day, so none is missed.
    instants = [*(Instant(us) for us in range(at, end, DAY)), end]
    capacities = [window_key("capacity", c.name, c.window, each) for c in policy.capacities for each in instants]
    budgets = [window_key("budget", b.name, b.window, each) for b in policy.budgets for each in instants]
    return tuple(dict.fromkeys((*stocks, *capacities, *budgets)))

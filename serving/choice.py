"""What is chosen of the judged pairs: what does not compete comes first, the rest is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from features.domain import ChannelName, Importance, Offer
from features.quick import quick
from serving.circumstances import Circumstances
from serving.consent import preferred_channel
from serving.decision import Ask
from serving.draw import SILENCE, Choosable, Draw, Places, draw, explores, taken
from serving.equipment import Equipment
from serving.explore import Group, Ticket
from serving.leaders import beaten, front, leaders
from serving.ledger.shared import takes_of
from serving.pairs import Known, Pair
from serving.ranking import Judged

Flags = NDArray[np.bool_]


@quick(frozen=True, slots=True)
class Choice:
    """What is made of the scores; places are those of the judged pairs."""

    places: Places
    """The items, from the top, then the best on each channel, best first."""
    probabilities: tuple[float, ...]
    """Of each item."""
    draw: Draw
    beaten: Callable[[], Places]
    """Finds the best place of each offer that is not chosen and no better than silence, best first."""
    needed: Offer | None = None
    """The best offer that does not compete."""
    preferred: ChannelName | None = None
    """The channel that the customer asked for, where an offer may be made on it."""


def choose(
    ask: Ask, known: Known, judged: Judged, rows: Places, equipment: Equipment, circumstances: Circumstances
) -> Choice:
    """The choice among the judged pairs, which stand at ``rows`` of the shelf."""
    shelf, score, limit = equipment.shelf, judged.score, ask.limit
    table = equipment.order if len(rows) == len(shelf.pairs) else equipment.order.take(rows, axis=1)
    n_offers = len(shelf.offers)
    best, n_best = front(score, table, n_offers, len(shelf.channels), SILENCE, limit)
    asked = preferred_channel(known.consents) if known.consents else None
    if not (asked or circumstances.exhausted or explores(equipment.policy.exploration)) and shelf.only_promotions:
        drawn = taken(tuple(best[:n_best].tolist()), limit)
        return Choice(best, drawn.probabilities, drawn, partial(beaten, score, table, n_offers, SILENCE, ()))
    first, offer, competes, every = table[0], table[1], shelf.promotional[rows], shelf.every[: len(rows)]
    preferred, stays = _preferred(asked, judged.pairs, offer, every)
    sold_out = _sold_out(judged, equipment, circumstances.exhausted)
    needed, asked_for = list[int](), None
    if not shelf.only_promotions:
        due = stays & ~competes if sold_out is None else stays & ~competes & ~sold_out
        urgent = leaders(score, first, due, offer, n_offers).tolist()
        needed = sorted(urgent, key=lambda place: _need(judged, place))[:limit]
        of_offers = leaders(score, first, every, offer, n_offers).tolist()
        asked_for = next((judged.pairs[place].offer for place in of_offers if not competes[place]), None)
    drawn = Draw(Group.LEARNT, (), (), None)
    if len(needed) < limit and (not needed or competes.any()):
        unit = ask.decision_id if ask.seed is None else str(ask.seed)
        ticket = Ticket(unit, ask.customer_id, equipment.salt, circumstances.attempt)
        choosable = Choosable(score, offer, first, stays & competes, sold_out, n_offers)
        account = circumstances.account.at(ask.at)
        drawn = draw(choosable, equipment.policy.exploration, limit - len(needed), ticket, account)
    places = (*needed, *drawn.places)
    return Choice(
        np.concatenate((np.array(places, dtype=np.intp), best[n_best:])),
        (*[1.0] * len(needed), *drawn.probabilities),
        drawn,
        partial(beaten, score, table, n_offers, SILENCE, places),
        asked_for,
        preferred,
    )


def _sold_out(judged: Judged, equipment: Equipment, exhausted: frozenset[str]) -> Flags | None:
    """Pairs that take something of what is used up since the first draw; None where nothing is."""
    if not exhausted:
        return None
    takes = map(partial(takes_of, equipment.policy), judged.pairs, judged.moments.tolist())
    return np.array([any(take.key in exhausted for take in each) for each in takes], dtype=np.bool_)


def _need(judged: Judged, place: int) -> tuple[bool, int, float]:
    """What does not compete: mandatory first, then by priority, then by score."""
    offer = judged.pairs[place].offer
    return offer.importance is not Importance.MANDATORY, -offer.priority, -float(judged.score[place])


def _preferred(
    asked: str | None, pairs: Sequence[Pair], offer: Places, every: Flags
) -> tuple[ChannelName | None, Flags]:
    """The channel the customer asked for, where it is open, and the pairs that do not give way to one on it."""
    there = None if asked is None else np.array([pair.channel.name == asked for pair in pairs], dtype=np.bool_)
    if asked is None or there is None or not there.any():
        return None, every
    return ChannelName(asked), there | ~np.isin(offer, offer[there])

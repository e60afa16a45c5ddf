"""Which offers are made, in which order: drawn from what the policy's exploration makes of the scores."""

from __future__ import annotations

from functools import partial
from math import inf

import numpy as np
from numpy.typing import NDArray

from features.quick import quick
from features.state import Floats
from serving.account import Account
from serving.allowance import given_up, sharp_enough, sharpness
from serving.explore import Group, Mask, Shares, Ticket, fill, inverse_gap
from serving.leaders import leaders
from serving.policy.policy import Exploration

SILENCE = 0.0
"""Score of saying nothing."""
Places = NDArray[np.intp]


@quick(frozen=True, slots=True)
class Cost:
    """What one decision adds to the account of exploration, minor units."""

    best: float = 0.0
    given_up: float = 0.0
    spread: float = 0.0


@quick(frozen=True, slots=True)
class Draw:
    """The choices from the top, with the exact probability of each."""

    group: Group
    places: tuple[int, ...]
    """Of the chosen pairs."""
    probabilities: tuple[float, ...]
    """Of each choice, given those above and before the group is looked at."""
    silence: float | None
    """The same of ending there; None where every place was taken."""
    gamma: float | None = None
    """Sharpness of the learnt rule; None where the best was simply taken."""
    cost: Cost = Cost()


@quick(frozen=True, slots=True)
class Choosable:
    """What can be chosen; arrays are ``[n_pairs]``."""

    score: Floats
    """Minus infinity where it is undefined, which is never chosen."""
    offer: Places
    """A number for each pair's offer, from 0: an offer is made on one channel only."""
    first: Places
    """Which of equal scores comes first."""
    open: Mask
    """False for pairs that give way to another pair of their offer."""
    barred: Mask | None
    """True for pairs that are sold out since the first draw; None where none is."""
    n_offers: int
    """Above every number of an offer."""


def explores(exploration: Exploration) -> bool:
    """False where the best is simply taken."""
    return any((exploration.control, exploration.random, exploration.floor, exploration.per_root))


def draw(given: Choosable, exploration: Exploration, limit: int, ticket: Ticket, account: Account) -> Draw:
    """Offers for up to ``limit`` places, or silence."""
    if explores(exploration):
        return _drawn(given, exploration, limit, ticket, account)
    return taken(tuple(_worth_it(given)[:limit].tolist()), limit)


def taken(places: tuple[int, ...], limit: int) -> Draw:
    """The best that are worth more than silence, simply taken for up to ``limit`` places."""
    return Draw(Group.LEARNT, places, (1.0,) * len(places), 1.0 if len(places) < limit else None)


def _worth_it(given: Choosable) -> Places:
    """The best usable pair of each offer that is better than silence, best first."""
    usable = given.open & (given.score > SILENCE)
    if given.barred is not None:
        usable &= ~given.barred
    return leaders(given.score, given.first, usable, given.offer, given.n_offers)


def by_score(score: Floats, first: Places, usable: Mask) -> Places:
    """The usable places, best first."""
    places = np.flatnonzero(usable)
    return places[np.lexsort((first[places], -score[places]))]


def _drawn(given: Choosable, exploration: Exploration, limit: int, ticket: Ticket, account: Account) -> Draw:
    usable = by_score(given.score, given.first, given.open & np.isfinite(given.score))
    # Silence stands in its place among the scores, which descend, after its equals.
    quiet = int((given.score[usable] >= SILENCE).sum())
    scores = np.insert(given.score[usable], quiet, SILENCE)
    about = np.insert(given.offer[usable], quiet, -1)
    gamma, spread = _gamma(scores, exploration, account)
    learnt = partial(inverse_gap, scores, gamma=gamma, best=exploration.best, floor=exploration.floor, descending=True)
    shares = Shares(exploration.control, exploration.random)
    barred = np.insert(given.barred[usable], quiet, False) if given.barred is not None and given.barred.any() else None
    slate = fill(shares, learnt, about, quiet, limit, ticket, barred)
    made = [choice for choice in slate.choices if choice.action != quiet]
    ended = slate.choices[-1].probability if len(made) < len(slate.choices) else None
    cost = Cost(float(scores.max()), given_up(scores, learnt(np.ones(len(scores), dtype=np.bool_))), spread)
    return Draw(
        slate.group,
        tuple(int(usable[choice.action - (choice.action > quiet)]) for choice in made),
        tuple(choice.probability for choice in made),
        ended,
        gamma,
        cost,
    )


def _gamma(scores: Floats, exploration: Exploration, account: Account) -> tuple[float, float]:
    """The sharpness that keeps to what may be given up, and what these scores differ by."""
    spread = float(np.ptp(scores))
    if exploration.per_root == 0:
        return inf, spread
    least = sharpness(exploration.per_root, account.decisions, account.scale(spread))
    everything = np.ones(len(scores), dtype=np.bool_)
    allowed = account.allowed(exploration, float(scores.max()))
    return sharp_enough(scores, everything, least, exploration.best, exploration.floor, allowed), spread

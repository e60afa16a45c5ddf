"""What contacts on each channel take of patience beside the mean contact, as later contacts tell on whichever channel.

A contact on one channel wears out the ones on all others, so its toll is not seen where it was made: noticing falls as
exp(−Σ b_c·recent_c), and a channel takes b_c beside the contacts' mean. Little data leaves every channel at the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from features.catalogue import Catalogue
from features.domain import DAY, Direction
from serving.patience import Answered, Toll
from training.parts.attention import HALF_LIFE_DAYS
from training.parts.experience import Contacts
from training.value.trial import Floats, Index, Mask

SPREAD = 0.5
"""Standard deviation that is assumed of what channels take, beside the mean contact, before contacts tell."""
ANSWERS = 1.0 / SPREAD**2
"""Answers that are assumed to have come as often as on the mean channel: the Gamma prior of the same spread."""


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """Contacts before each contact (half-life a week), ``[n, channels]``."""

    by_channel: Floats
    elsewhere: Floats
    """Those of which nobody knows the channel, ``[n]``."""

    @staticmethod
    def of(contacts: Contacts, recent: Floats, n_channels: int) -> Recent:
        """From the contacts themselves, beside what the features count, ``recent`` ``[n]``."""
        found = recent_by_channel(contacts.customer, contacts.decided_us, contacts.channel, n_channels)
        return Recent(found, np.maximum(recent - found.sum(axis=1), 0.0))


def recent_by_channel(
    customer: NDArray[np.generic], at_us: NDArray[np.int64], channel: Index, n_channels: int
) -> Floats:
    """Contacts of the same customer before each, by channel: each counts 2^(−age / half-life), ``[n, channels]``.

    Contacts of the same instant do not count for one another.
    """
    found = np.zeros((len(channel), n_channels))
    order = np.lexsort((at_us, customer))
    who = np.unique(customer, return_inverse=True)[1][order].tolist()
    instants, ways = at_us[order].tolist(), channel[order].tolist()
    sums, waiting, last, now = np.zeros(n_channels), list[int](), -1, 0
    for row, one, instant, way in zip(order.tolist(), who, instants, ways, strict=True):
        if one != last or instant != now:
            # Same customer: what waited has been made by now, and all of it ages.
            np.add.at(sums, waiting, 1.0)
            sums = sums * 2.0 ** (-(instant - now) / (DAY * HALF_LIFE_DAYS)) if one == last else np.zeros(n_channels)
            waiting, last, now = [], one, instant
        found[row] = sums
        waiting.append(way)
    return found


def learn_falls(recent: Recent, full: Floats, noticed: Floats, mean: float) -> Floats:
    """The b_c, ``[channels]``: likeliest for counts (Poisson quasi-likelihood), each ``mean`` give or take SPREAD of it
    before contacts tell, none below 0.

    Args:
        recent: Contacts before each.
        full: The chance that each would be noticed by a rested customer, ``[n]``.
        noticed: Whether it was, ``[n]``.
        mean: The b of all channels together.
    """
    at, n_channels = recent.by_channel, recent.by_channel.shape[1]
    if mean <= 0.0:
        return np.zeros(n_channels)
    left = full * np.exp(-mean * recent.elsewhere)
    paid = noticed @ at

    def unlikely(share: Floats) -> tuple[float, Floats]:
        expected = left * np.exp(-mean * (at @ share))
        unsure = (share - 1.0) / SPREAD
        cost = mean * float(paid @ share) + float(expected.sum()) + 0.5 * float(unsure @ unsure)
        return cost, mean * (paid - expected @ at) + unsure / SPREAD

    bounds = [(0.0, None)] * n_channels
    found: Floats = minimize(unlikely, np.ones(n_channels), jac=True, method="L-BFGS-B", bounds=bounds).x
    return mean * found


def beside(of_each: Floats, made: Floats) -> Floats:
    """Beside their mean over the contacts made, ``[channels]``; 1 where that is 0."""
    mean = float(of_each @ made) / max(float(made.sum()), 1.0)
    return of_each / mean if mean > 0.0 else np.ones(len(of_each))


def answers_beside(so: Mask, channel: Index, recent: Floats, mean: Answered, n_channels: int) -> Floats:
    """How often contacts on each channel are answered so, beside all after as many recent ones, ``[channels]``."""
    expected = np.bincount(channel, mean.rested + mean.weary * recent, n_channels)
    found: Floats = (np.bincount(channel, so, n_channels) + ANSWERS) / (expected + ANSWERS)
    return found


def learn_tolls(
    contacts: Contacts,
    catalogue: Catalogue,
    recent: Floats,
    full: Floats,
    mean: float,
    leaving: Answered,
    complaining: Answered,
) -> tuple[Toll, ...]:
    """The toll of every outbound channel.

    Args:
        contacts: What became of them.
        catalogue: Its channels.
        recent: Contacts of the last days before each (half-life a week), ``[n]``.
        full: The chance that each would be noticed by a rested customer, ``[n]``.
        mean: What a recent contact of any channel takes of the log of noticing.
        leaving: How often any contact is answered so.
        complaining: Likewise.
    """
    n, way = len(catalogue.channels), contacts.channel
    outbound = np.array([channel.direction is Direction.OUTBOUND for channel in catalogue.channels])
    made = np.bincount(way, minlength=n) * outbound
    wears = beside(learn_falls(Recent.of(contacts, recent, n), full, contacts.noticed.astype(np.float64), mean), made)
    leaves = answers_beside(contacts.left, way, recent, leaving, n)
    complains = answers_beside(contacts.complained, way, recent, complaining, n)
    return tuple(
        Toll(str(catalogue.channels[c].name), float(wears[c]), float(leaves[c]), float(complains[c]))
        for c in np.flatnonzero(outbound).tolist()
    )

"""What contacts on each channel take of patience beside the mean contact, as later contacts tell on whichever channel.

A contact on one channel wears out the ones on all others, so its toll is not seen where it was made: noticing falls as
exp(−Σ b_c·recent_c), and a channel takes b_c beside the contacts' mean. Who likes a channel is written to there more
often, so customers are held against themselves: each notices, and notices on each channel, at a rate of their own.
Little data leaves every channel at the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from features.catalogue import Catalogue
from features.domain import DAY, Direction
from serving.patience import Answered, Toll
from training.parts.attention import HALF_LIFE_DAYS, USUAL
from training.parts.experience import Contacts
from training.value.trial import Floats, Index, Mask

SPREAD = 1.0
"""Standard deviation that is assumed of what channels take, beside the usual, before contacts tell."""
OWN = 2.0
"""Noticed contacts that count for a customer being like all others (shape of a Gamma prior)."""
EVERYBODY = 4.0
"""Contacts that count for a channel being noticed as all others are."""
ROUNDS = 8
ANSWERS = 10.0
"""Departures (or complaints) that count for a channel being answered so as often as all are."""


@dataclass(frozen=True, slots=True, eq=False)
class Falls:
    """What recent contacts took of noticing."""

    by_channel: Floats
    """b_c, ``[channels]``, none below 0."""
    rested: Floats
    """Chance that each contact would have been noticed by its customer after none, ``[n]``."""


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


def learn_falls(customer: NDArray[np.generic], channel: Index, recent: Floats, noticed: Floats) -> Falls:
    """The b_c that are likeliest for counts (Poisson quasi-likelihood) beside how readily each customer notices. Before
    contacts tell, all are USUAL, give or take as much together and SPREAD of it apart.

    Args:
        customer: Of each contact, ``[n]``.
        channel: Likewise.
        recent: Contacts before each by channel, ``[n, channels]``.
        noticed: Whether each was, ``[n]``.
    """
    n_channels = recent.shape[1]
    who = np.unique(customer, return_inverse=True)[1]
    groups = who, who * n_channels + channel
    apart = (SPREAD * USUAL) ** 2 * np.eye(n_channels) + USUAL**2
    sure, paid, falls = np.linalg.inv(apart), noticed @ recent, np.full(n_channels, USUAL)
    everybody, own = float(noticed.mean()) if len(noticed) else 0.0, np.ones(len(noticed))
    full = own
    for _ in range(ROUNDS):
        kept = np.exp(-recent @ falls)
        seen = np.bincount(channel, noticed, n_channels) + EVERYBODY * everybody
        rested = (seen / (np.bincount(channel, kept * own, n_channels) + EVERYBODY))[channel]
        own = np.ones(len(noticed))
        for group in groups:
            own = own * ((np.bincount(group, noticed) + OWN) / (np.bincount(group, rested * kept * own) + OWN))[group]
        full = rested * own

        def unlikely(b: Floats, full: Floats = full) -> tuple[float, Floats]:
            expected = full * np.exp(-recent @ b)
            off = sure @ (b - USUAL)
            return float(paid @ b + expected.sum() + 0.5 * (b - USUAL) @ off), paid - expected @ recent + off

        bounds = [(0.0, None)] * n_channels
        falls = minimize(unlikely, falls, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Falls(falls, full)


def beside(falls: Floats, made: Floats) -> Floats:
    """What each channel takes beside the mean of the contacts made, ``[channels]``, none below 0.

    Differences are held against a mean of USUAL at least: of hardly any wear they say nothing.
    """
    mean = float(falls @ made) / max(float(made.sum()), 1.0) if made.any() else float(falls.mean())
    return np.maximum(1.0 + (falls - mean) / max(mean, USUAL), 0.0)


def answers_beside(so: Mask, channel: Index, recent: Floats, mean: Answered, n_channels: int) -> Floats:
    """How often contacts on each channel are answered so, beside all after as many recent ones, ``[channels]``."""
    expected = np.bincount(channel, mean.rested + mean.weary * recent, n_channels)
    found: Floats = (np.bincount(channel, so, n_channels) + ANSWERS) / (expected + ANSWERS)
    return found


def falls_of(contacts: Contacts, catalogue: Catalogue) -> Falls:
    """Those of the contacts of a log."""
    before = recent_by_channel(contacts.customer, contacts.decided_us, contacts.channel, len(catalogue.channels))
    return learn_falls(contacts.customer, contacts.channel, before, contacts.noticed.astype(np.float64))


def learn_tolls(
    contacts: Contacts, catalogue: Catalogue, falls: Floats, recent: Floats, leaving: Answered, complaining: Answered
) -> tuple[Toll, ...]:
    """The toll of every outbound channel.

    Args:
        contacts: What became of them.
        catalogue: Its channels.
        falls: b_c, ``[channels]``.
        recent: Contacts of the last days before each (half-life a week), ``[n]``.
        leaving: How often any contact is answered so.
        complaining: Likewise.
    """
    n, way = len(catalogue.channels), contacts.channel
    outbound = np.array([channel.direction is Direction.OUTBOUND for channel in catalogue.channels])
    wears = beside(falls, np.bincount(way, minlength=n) * outbound)
    leaves = answers_beside(contacts.left, way, recent, leaving, n)
    complains = answers_beside(contacts.complained, way, recent, complaining, n)
    return tuple(
        Toll(str(catalogue.channels[c].name), float(wears[c]), float(leaves[c]), float(complains[c]))
        for c in np.flatnonzero(outbound).tolist()
    )

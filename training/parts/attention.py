"""The price of a customer's attention, learnt from opt-outs, complaints, and silence that paid.

A contact costs more than its stamp: it makes the next ones work less, and may be the last. What recent contacts do to
both is learnt from the log; what a contact then costs the future is solved for by value iteration over the recent
contacts, which the log knows (unlike attention itself), and told as two numbers: a price per contact and a slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.attention import Attention
from training.value.trial import Floats, Mask

HALF_LIFE_DAYS = 7.0
"""Of recent contacts, as in the feature ``customer_contacts_7d``."""
DECAY = 2.0 ** (-1.0 / HALF_LIFE_DAYS)
"""What a day leaves of them."""
GRID = np.linspace(0.0, 10.0, 101)
"""Recent contacts."""
FALLS = np.linspace(0.0, 1.5, 301)
"""Logs by which earnings may fall with each recent contact."""
USUAL = 0.1
"""Fall that is assumed, give or take as much, before contacts tell."""
FINE = 500
ROUNDS, NEARLY = 4_000, 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Wear:
    """What recent contacts do, on GRID."""

    works: Floats
    """Share of its full value that a contact earns, ``[len(GRID)]``, falling."""
    leaves: Floats
    """Chance that the customer leaves upon a contact, ``[len(GRID)]``, rising."""

    def share(self, recent: Floats) -> Floats:
        """Share of the full value, ``[n]``."""
        found: Floats = np.interp(recent, GRID, self.works)
        return found


def learn_wear(recent: Floats, modelled: Floats, earned: Floats, left: Mask) -> Wear:
    """Learn from contacts: each recent one keeps the same share of what is left, and adds the same to the departures.

    Two shapes of one number each, since payments are rare: earnings fall as exp(−b·recent), with b likeliest for counts
    (Poisson quasi-likelihood, which asks for the mean only); departures rise by least squares and never fall.

    Args:
        recent: Recent contacts before each, ``[n]``.
        modelled: What each would earn from a rested customer, before its cost, minor units (or the chance that it is
            noticed, to which that is proportional) ``[n]``.
        earned: What it did earn, before its cost (or whether it was noticed), ``[n]``.
        left: Whether the customer left or complained, ``[n]``.
    """
    # Sums by recent contacts, finely: the likelihood needs no more.
    place = np.clip(np.round(recent / GRID[-1] * FINE).astype(np.intp), 0, FINE)
    at = np.arange(FINE + 1) * GRID[-1] / FINE
    paid, full = np.bincount(place, earned, FINE + 1), np.bincount(place, modelled, FINE + 1)
    unsure = 0.5 * ((FALLS - USUAL) / USUAL) ** 2
    likely = [float(-b * (paid @ at) - full @ np.exp(-b * at)) for b in FALLS] - unsure
    works = np.exp(-FALLS[int(np.argmax(likely))] * GRID)
    rise = float(np.cov(recent, left)[0, 1] / max(float(recent.var()), 1e-9)) if len(recent) > 1 else 0.0
    rise = max(rise, 0.0)
    first = max(float(left.mean() - rise * recent.mean()), 0.0)
    return Wear(works, np.minimum(first + rise * GRID, 1.0))


def price(wear: Wear, values: Floats, cost: float | Floats, discount: float) -> Attention:
    """Price per contact and slope on recent contacts, minor units: what a contact takes from those that follow.

    Args:
        wear: What recent contacts do.
        values: What a day's best contact would earn from a rested customer, one of these with equal chance, ``[k]``.
        cost: Of a contact; of one after so many recent ones where it differs, ``[len(GRID)]``.
        discount: Per day.
    """
    _, loss, speaks = _programme(wear, values, cost, discount)
    slope, contact = np.polyfit(GRID, loss, 1, w=np.sqrt(_visited(speaks) + 1e-9))
    return Attention(contact=float(contact), slope=float(slope))


def worth(wear: Wear, values: Floats, cost: float, discount: float) -> float:
    """What a rested customer's contacts are yet expected to earn, minor units; see ``price``."""
    return float(_programme(wear, values, cost, discount)[0][0])


def _programme(wear: Wear, values: Floats, cost: float | Floats, discount: float) -> tuple[Floats, Floats, Floats]:
    """By recent contacts, ``[len(GRID)]`` each: what is to come, what a contact takes of it, how often it is made."""
    gain = wear.works[:, None] * values - np.broadcast_to(cost, len(GRID))[:, None]
    ahead = np.zeros(len(GRID))
    for _ in range(ROUNDS):
        quiet = discount * np.interp(GRID * DECAY, GRID, ahead)
        spoken = discount * (1.0 - wear.leaves) * np.interp((GRID + 1.0) * DECAY, GRID, ahead)
        better = np.maximum(quiet[:, None], gain + spoken[:, None]).mean(axis=1)
        step, ahead = float(np.abs(better - ahead).max()), better
        if step < NEARLY * max(float(ahead.max()), 1.0):
            break
    loss = quiet - spoken
    return ahead, loss, (gain > loss[:, None]).mean(axis=1)


def _visited(speaks: Floats) -> Floats:
    """How often each number of recent contacts is met when one speaks so often, ``[len(GRID)]``."""
    mass = np.zeros(len(GRID))
    mass[0] = 1.0
    for _ in range(400):
        moved = np.zeros(len(GRID))
        for at, share in ((GRID * DECAY, mass * (1.0 - speaks)), ((GRID + 1.0) * DECAY, mass * speaks)):
            spot = np.minimum(at, GRID[-1]) / (GRID[1] - GRID[0])
            below = np.minimum(spot.astype(np.intp), len(GRID) - 2)
            np.add.at(moved, below, share * (1.0 - (spot - below)))
            np.add.at(moved, below + 1, share * (spot - below))
        mass = moved
    return mass

"""The best moment of each pair: when the customer is likeliest to notice, as the channel's model says of the hours.

The response of a pair at a later moment is its response now, moved on the logit scale by what the channel's response
differs there::

    v(pair, h) = sigmoid(logit v(pair) + logit v(channel, h) - logit v(channel, now))

Where nothing tells the hours apart, messages go out at the hour that the policy names, or as soon as may be after it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.feature import Group
from features.quick import quick
from features.state import Floats
from features.vector import COLUMNS
from serving import loops
from serving.eligibility import Sifted
from serving.offering import Sight
from serving.pairs import Known, moment_vectors
from serving.part import PartName, about_of
from serving.prediction import sigmoid
from serving.score import Chances, Part

Places = NDArray[np.intp]
FLAT = 1e-9
"""Differences on the logit scale up to which hours count as alike."""


@quick(frozen=True, slots=True)
class Timed:
    """The moment of each pair, ``[n_pairs]``."""

    instants: NDArray[np.int64]
    gain: Floats | None
    """What the moment adds on the logit scale to being noticed now; None where it adds nothing to any."""

    def noticed(self, odds: Chances) -> Chances:
        """The chances at these moments."""
        if odds.noticed is None or self.gain is None or not self.gain.any():
            return odds
        now = np.clip(odds.noticed, 1e-12, 1.0 - 1e-12)
        moved = sigmoid(np.log(now / (1.0 - now)) + self.gain)
        return replace(odds, noticed=np.where(self.gain == 0.0, odds.noticed, moved))


def timed(sifted: Sifted, channel: Places, gains: Floats | None, fallback_hour: int) -> Timed:
    """The best open moment of each pair: the first one in the fallback hour where nothing tells moments apart.

    Args:
        sifted: The pairs with their open moments.
        channel: Number of each pair's channel, ``[n_pairs]``; not looked at without gains.
        gains: What each moment adds on each channel, ``[n_channels, n_moments]``; None where nothing is known.
        fallback_hour: Of the customer's day.
    """
    open_, moments, n_pairs = sifted.open, sifted.moments, len(sifted.rows)
    place, instants = np.empty(n_pairs, dtype=np.intp), np.empty(n_pairs, dtype=np.int64)
    loops.first_open(open_, moments.minute, fallback_hour, moments.instants, place, instants)
    if gains is None:
        return Timed(instants, None)
    told = np.ptp(gains, axis=1)[channel] > FLAT
    best = np.where(open_, gains[channel], -np.inf).argmax(axis=1)
    place = np.where(told, best, place)
    return Timed(moments.instants[place], np.where(told, gains[channel, place], 0.0))


def gains(
    part: Part,
    known: Known,
    seen: Sight,
    sifted: Sifted,
    channel: Places,
    n_channels: int,
) -> Floats | None:
    """What each moment adds on each channel to being noticed, ``[n_channels, n_moments]``; None where none can wait.

    Args:
        part: The channel response.
        known: The customer.
        seen: The eligible pairs.
        sifted: Their open moments.
        channel: Number of each pair's channel, ``[n_pairs]``.
        n_channels: How many there are.
    """
    waiting = np.flatnonzero(sifted.open[:, 1:].any(axis=1))
    if not len(waiting):
        return None
    numbers, firsts = np.unique(channel[waiting], return_index=True)
    examples = waiting[firsts]
    n_moments = len(sifted.moments)
    vectors = np.repeat(seen.rows(examples), n_moments, axis=0)
    at = moment_vectors(known, sifted.moments.hour, sifted.moments.weekday)
    vectors[:, COLUMNS[Group.MOMENT].place] = np.tile(at, (len(examples), 1))
    asked = [seen.pairs[example] for example in examples.tolist() for _ in range(n_moments)]
    response = part.probability(vectors, about_of(PartName.CHANNEL_RESPONSE, asked))
    response = np.clip(response, 1e-12, 1.0 - 1e-12).reshape(len(examples), n_moments)
    logit = np.log(response / (1.0 - response))
    found = np.zeros((n_channels, n_moments))
    found[numbers] = logit - logit[:, :1]
    return found

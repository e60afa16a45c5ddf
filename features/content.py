"""What offers and channels are, as the arrays that features read: one row per (offer, channel) pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.domain import Channel, Direction, Offer, Response
from features.rows import Content

_OFFER_WIDTH, _CHANNEL_WIDTH = 7, 4


def content(offers: Sequence[Offer], channels: Sequence[Channel | None]) -> Content:
    """The content of these pairs, each value ``[n_pairs]``.

    Args:
        offers: The offer of each pair.
        channels: The channel of each pair; None where nothing was sent, which gives NaN for the channel's values.

    Raises:
        ValueError: The two differ in length.
    """
    if len(offers) != len(channels):
        raise ValueError(f"{len(offers)} offers cannot be paired with {len(channels)} channels: give one channel each")
    return content_of(offer_values(offers), channel_values(channels))


def offer_values(offers: Sequence[Offer]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The offer's part of the content, float64 ``[n_offers, 7]``, in the order of ``Content``."""
    rows = [
        (
            o.margin_minor,
            o.incentive_minor,
            o.min_spend_minor,
            o.window_days,
            len(o.channels),
            o.automatic,
            o.response is Response.REDEMPTION,
        )
        for o in offers
    ]
    return np.array(rows, dtype=np.float64).reshape(len(offers), _OFFER_WIDTH)


def channel_values(channels: Sequence[Channel | None]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The channel's part of the content, float64 ``[n_channels, 4]``, in the order of ``Content``; NaN for None."""
    rows = [
        (c.cost_minor, c.direction is Direction.INBOUND, c.direction is Direction.BROADCAST, c.addressable)
        if c is not None
        else (np.nan,) * _CHANNEL_WIDTH
        for c in channels
    ]
    return np.array(rows, dtype=np.float64).reshape(len(channels), _CHANNEL_WIDTH)


def content_of(
    of_offer: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    of_channel: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> Content:
    """The content of pairs whose offer's and channel's values stand in the same row of both arrays."""
    return Content(*of_offer.T, *of_channel.T)

"""The channels that hold where the data bring no table of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from features.domain import Channel, ChannelName, Direction

_IN, _OUT, _ALL = Direction.INBOUND, Direction.OUTBOUND, Direction.BROADCAST


def _channel(
    name: str, direction: Direction, addressable: bool, cost_minor: float, consent_purpose: str | None = None
) -> Channel:
    return Channel(ChannelName(name), direction, addressable, cost_minor, consent_purpose)


DEFAULT_CHANNELS: tuple[Channel, ...] = (
    _channel("email", _OUT, True, 0.1, "email_marketing"),
    _channel("push", _OUT, True, 0.05, "push_marketing"),
    _channel("sms", _OUT, True, 6.0, "sms_marketing"),
    _channel("whatsapp", _OUT, True, 8.0, "whatsapp_marketing"),
    _channel("direct_mail", _OUT, True, 60.0, "postal_marketing"),
    _channel("call", _OUT, True, 300.0, "phone_marketing"),
    _channel("social", _OUT, True, 1.0, "advertising"),
    _channel("display", _OUT, True, 0.5, "advertising"),
    _channel("search", _OUT, True, 30.0, "advertising"),
    _channel("app", _IN, True, 0.0),
    _channel("web", _IN, True, 0.0),
    _channel("store", _IN, True, 0.0),
    _channel("chat", _IN, True, 0.0),
    _channel("mailer", _ALL, False, 3.0),
    _channel("in_store_display", _ALL, False, 0.5),
    _channel("broadcast", _ALL, False, 0.5),
)
"""Costs are assumptions in minor units per contact; a data folder or the importer's arguments replace them."""


def with_costs(channels: tuple[Channel, ...], cost_minor: Mapping[str, float]) -> tuple[Channel, ...]:
    """The channels with the given costs per contact (minor units) in place of their own.

    Raises ValueError for a cost of a channel that is not among them or that is negative.
    """
    unknown = sorted(set(cost_minor) - {channel.name for channel in channels})
    if unknown:
        known = ", ".join(channel.name for channel in channels)
        raise ValueError(f"a cost is given for unknown channel {unknown[0]!r}; the channels are {known}")
    negative = [name for name, cost in cost_minor.items() if cost < 0]
    if negative:
        raise ValueError(f"the cost of channel {negative[0]!r} is negative; give a cost of 0 or more")
    return tuple(replace(c, cost_minor=float(cost_minor.get(c.name, c.cost_minor))) for c in channels)


def default_channels(*names: str) -> tuple[Channel, ...]:
    """The default channels of these names, in that order; KeyError for a name without a default."""
    by_name = {str(channel.name): channel for channel in DEFAULT_CHANNELS}
    return tuple(by_name[name] for name in names)

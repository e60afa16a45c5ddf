"""The price of using up a customer's patience."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attention:
    """The price of using up patience, minor units."""

    contact: float
    """Price of one contact."""
    slope: float
    """What each contact of the last days adds (all channels, half-life a week)."""
    channels: tuple[tuple[str, float], ...] = ()
    """Channels and the share of that price that a contact there takes: 1 of what the mean contact does."""

    def share(self, channel: str) -> float:
        """That of this channel; 1 where none is told."""
        return next((share for name, share in self.channels if name == channel), 1.0)

    def price(self, contacts_7d: float) -> float:
        """The price of one more mean contact with a customer of so many contacts lately (half-life a week)."""
        return float(self.contact + self.slope * contacts_7d)


ASSUMED = Attention(1.0, 0.1)
"""Where nothing was learnt and nothing is set."""

"""What a contact may cost of a customer's patience: how it wears out, who leaves or complains, and what that costs.

How often contacts are answered so is learnt (``training/parts/departures.py``) and goes with the model; what it costs
is told by the policy. Before anything is learnt, published rates hold, on the careful side: of marketing e-mails one to
three in a thousand are unsubscribed from, of text messages one to three in a hundred; mailbox providers ask senders to
stay below one complaint in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from serving.policy.policy import Losses
from serving.score import ASSUMED, Attention


@dataclass(frozen=True, slots=True)
class Answered:
    """How often contacts are answered in one way (0–1), by the contacts of the last days (half-life a week)."""

    rested: float
    """By a customer without any."""
    weary: float
    """What each of them adds."""


LEAVING = Answered(0.005, 0.0025)
"""Channels left, before anything is learnt."""
COMPLAINING = Answered(0.001, 0.0005)


@dataclass(frozen=True, slots=True)
class Patience:
    """What is known of the customers' patience."""

    wear: Attention
    """What a contact takes from those that follow, minor units."""
    leaving: Answered = LEAVING
    complaining: Answered = COMPLAINING
    lost_minor: float = 0.0
    """What a customer who leaves a channel would have earned there; it counts where the policy tells no cost."""

    def price(self, losses: Losses) -> Attention:
        """The price of a contact, minor units."""
        leaving = self.lost_minor if losses.leaving_minor is None else losses.leaving_minor
        return Attention(
            self.wear.contact + self.leaving.rested * leaving + self.complaining.rested * losses.complaint_minor,
            self.wear.slope + self.leaving.weary * leaving + self.complaining.weary * losses.complaint_minor,
        )

    def document(self) -> dict[str, Any]:
        """The same for ``bundle.json``; ``of`` reads it back."""
        told = {"contact": self.wear.contact, "slope": self.wear.slope, "lost_minor": self.lost_minor}
        return told | {"leaving": asdict(self.leaving), "complaining": asdict(self.complaining)}

    @staticmethod
    def of(document: Mapping[str, Any]) -> Patience:
        """From a bundle's document; one of before departures were learnt holds them in its price already."""
        wear = Attention(float(document["contact"]), float(document["slope"]))
        if "leaving" not in document:
            return Patience(wear, Answered(0.0, 0.0), Answered(0.0, 0.0))
        return Patience(
            wear,
            Answered(**document["leaving"]),
            Answered(**document["complaining"]),
            float(document["lost_minor"]),
        )


UNLEARNT = Patience(ASSUMED)
"""Where no model has learnt anything of it."""

"""What a contact may cost of a customer's patience: how it wears out, who leaves or complains, and what that costs.

How often contacts are answered so is learnt (``training/parts/departures.py``) and goes with the model; what it costs
is told by the policy. Before anything is learnt, published rates hold, on the careful side: of marketing e-mails one to
three in a thousand are unsubscribed from, of text messages one to three in a hundred; mailbox providers ask senders to
stay below one complaint in a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from serving.attention import ASSUMED, Attention
from serving.policy.policy import Losses


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
class Toll:
    """What contacts on one channel take, beside the mean contact, which takes 1 of each."""

    channel: str
    wears: float = 1.0
    """Of what follows."""
    leaving: float = 1.0
    """How often they are answered by leaving the channel."""
    complaining: float = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """What is known of the customers' patience."""

    wear: Attention
    """What a contact takes from those that follow, minor units."""
    leaving: Answered = LEAVING
    complaining: Answered = COMPLAINING
    lost_minor: float = 0.0
    """What a customer who leaves a channel would have earned there; it counts where the policy tells no cost."""
    usual: float = 0.0
    """Recent contacts (half-life a week) that a contact had before it, in the mean."""
    tolls: tuple[Toll, ...] = ()
    """By channel; a channel that is not among them takes what the mean contact does."""

    def price(self, losses: Losses) -> Attention:
        """The price of a contact, minor units, and the share of it on each channel, as it is after the usual number of
        recent contacts."""
        leaving = self.lost_minor if losses.leaving_minor is None else losses.leaving_minor
        rates = (self.leaving, leaving), (self.complaining, losses.complaint_minor)
        contact = [self.wear.contact, *(rate.rested * cost for rate, cost in rates)]
        slope = [self.wear.slope, *(rate.weary * cost for rate, cost in rates)]
        usually = [one + self.usual * more for one, more in zip(contact, slope, strict=True)]
        if sum(usually) <= 0.0:
            return Attention(sum(contact), sum(slope))
        shares = ((each.channel, _share(each, usually)) for each in self.tolls)
        return Attention(sum(contact), sum(slope), tuple(shares))

    def document(self) -> dict[str, Any]:
        """The same for ``bundle.json``; ``of`` reads it back."""
        told: dict[str, Any] = {"contact": self.wear.contact, "slope": self.wear.slope, "lost_minor": self.lost_minor}
        told |= {"leaving": asdict(self.leaving), "complaining": asdict(self.complaining)}
        return told | {"usual": self.usual, "tolls": [asdict(each) for each in self.tolls]}

    @staticmethod
    def of(document: Mapping[str, Any]) -> Patience:
        """From a bundle's document; one of before departures were learnt holds them in its price already, and one of
        before channels were told apart charges the same on all."""
        wear = Attention(float(document["contact"]), float(document["slope"]))
        if "leaving" not in document:
            return Patience(wear, Answered(0.0, 0.0), Answered(0.0, 0.0))
        return Patience(
            wear,
            Answered(**document["leaving"]),
            Answered(**document["complaining"]),
            float(document["lost_minor"]),
            float(document.get("usual", 0.0)),
            tuple(Toll(**each) for each in document.get("tolls", ())),
        )


def _share(toll: Toll, usually: Sequence[float]) -> float:
    """Of the price of a mean contact, which is for wear, leaving and complaining."""
    beside = toll.wears, toll.leaving, toll.complaining
    return sum(each * cost for each, cost in zip(beside, usually, strict=True)) / sum(usually)


UNLEARNT = Patience(ASSUMED)
"""Where no model has learnt anything of it."""

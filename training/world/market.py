"""The market itself: a day begins, customers are contacted or left alone, and things happen.

One contact per customer and day at most. All that is random comes from the seed and the day, never from what was done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.world.assortment import Assortment, assortment
from training.world.chance import stream
from training.world.condition import Condition
from training.world.diary import NONE, Diary
from training.world.organic import CLOSES, OPENS, chance_today
from training.world.parameters import CATEGORIES, MEDIA, Parameters
from training.world.people import Floats, Index, People, people
from training.world.truth import Truth, optout, truth


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """What is done on a day: one row per customer who was decided about."""

    customer: Index
    hour: Floats
    """Local hour of the day."""
    offer: Index
    """NONE for silence."""
    channel: Index
    """NONE for silence."""
    probability: Floats
    """With which this was chosen; NaN where it is not known."""


@dataclass(slots=True, eq=False)
class Market:
    """A running market. Call :meth:`morning` once a day, then :meth:`act` at most once for every customer."""

    parameters: Parameters
    seed: int
    people: People
    offers: Assortment
    condition: Condition
    stock: Index
    day: int = -1
    decisions: int = 0
    used: Index = field(default_factory=lambda: np.zeros(len(MEDIA), dtype=np.intp))
    """Contacts of the day by channel."""
    diary: Diary = field(default_factory=Diary)

    @staticmethod
    def of(parameters: Parameters, seed: int) -> Market:
        """The market of a seed, before its first morning."""
        offers = assortment(parameters, seed)
        condition = Condition.fresh(parameters.customers, parameters.cap_per_week)
        return Market(parameters, seed, people(parameters, seed), offers, condition, offers.stock.copy())

    def present(self) -> Index:
        """Customers who have joined."""
        return np.flatnonzero(self.people.joined <= self.day)

    def left(self) -> Index:
        """Contacts that each channel can still carry today, ``[channels]``."""
        return np.array([int(medium.capacity * len(self.people)) for medium in MEDIA]) - self.used

    def truth(self, customers: Index, hour: Floats) -> Truth:
        """The truth about these customers today, each at a local hour."""
        now = (self.people, self.offers, self.condition, self.stock, customers, self.day, hour)
        return truth(self.parameters, self.seed, *now)

    def morning(self) -> None:
        """The night passes: stages move, attention recovers, and who will buy today of their own accord is settled."""
        at, self.day = self.condition, self.day + 1
        self.used = np.zeros(len(MEDIA), dtype=np.intp)
        rng, n = stream(self.seed, "morning", self.day), len(self.people)
        moves = np.cumsum(np.array(self.parameters.moves), axis=1)
        moved = (rng.random((n, len(CATEGORIES)))[:, :, None] > moves[at.stage]).sum(axis=2)
        at.stage = np.where(np.isfinite(at.bought), 0, moved)
        # Who has bought wants no second one, whichever way it came about.
        at.pending = np.where(np.isfinite(at.bought) & (at.promised < at.bought), np.inf, at.pending)
        at.attention = 1.0 - (1.0 - at.attention) * self.people.missing
        self._purchases(rng)
        self._visits(rng)

    def _purchases(self, rng: np.random.Generator) -> None:
        at, everyone, start = self.condition, np.arange(len(self.people)), 24.0 * self.day
        chances = chance_today(self.parameters, self.seed, self.people, everyone, self.day)
        chance = np.take_along_axis(chances, at.stage[:, :, None], axis=2)[:, :, 0]
        hour = start + OPENS + (CLOSES - OPENS) * rng.random(chance.shape)
        own = np.where(rng.random(chance.shape) < chance, hour, np.inf)
        brought = np.where(at.pending < start + 24.0, at.pending, np.inf)
        at.bought = np.minimum(own, brought)
        customer, category = np.nonzero(np.isfinite(at.bought) & (self.people.joined <= self.day)[:, None])
        price, late = rng.lognormal(7.5, 0.5, chance.shape), rng.random(chance.shape) < self.parameters.late_share
        where = np.where(rng.random(chance.shape) < 0.6, "store", "web")
        self.diary.happened(
            "purchased",
            customer,
            at.bought[customer, category],
            channel=where[customer, category],
            category=category,
            value=np.round(price[customer, category]),
            late_hours=np.where(late, 48.0 * rng.random(chance.shape), 0.0)[customer, category],
        )

    def _visits(self, rng: np.random.Generator) -> None:
        chance = np.array(self.parameters.visit_chance)[self.condition.stage]
        hour = 24.0 * self.day + OPENS + (CLOSES - OPENS) * rng.random(chance.shape)
        here = (rng.random(chance.shape) < chance) & (self.people.joined <= self.day)[:, None]
        carts = here & (self.condition.stage == 2) & (rng.random(chance.shape) < self.parameters.cart_chance)
        for kind, seen, later in (("visited", here, 0.0), ("carted", carts, 0.1)):
            customer, category = np.nonzero(seen)
            self.diary.happened(kind, customer, hour[customer, category] + later, channel="web", category=category)

    def act(self, contacts: Contacts) -> NDArray[np.bool_]:
        """Make these contacts; True where one was noticed, ``[n]``.

        Raises ValueError where one is not allowed, or a channel cannot carry them all; nothing has happened then.
        """
        number = self.decisions + np.arange(len(contacts.customer))
        said = contacts.offer != NONE
        noticed = np.zeros(len(number), dtype=np.bool_)
        if said.any():
            noticed[said] = self._contact(contacts, said, number[said])
        self.decisions += len(number)
        page = {"decision": number, "customer": contacts.customer, "hour": 24.0 * self.day + contacts.hour}
        page |= {"offer": contacts.offer, "channel": contacts.channel, "probability": contacts.probability}
        self.diary.decided(page | {"noticed": noticed})
        return noticed

    def _contact(self, contacts: Contacts, said: NDArray[np.bool_], number: Index) -> NDArray[np.bool_]:
        who, hour = contacts.customer[said], contacts.hour[said]
        offer, channel, rows = contacts.offer[said], contacts.channel[said], np.arange(int(said.sum()))
        known = self.truth(who, hour)
        if not known.allowed[rows, offer, channel].all():
            raise ValueError("a contact that is not allowed: leave out offers and channels that `truth` does not allow")
        wanted = np.bincount(channel, minlength=len(MEDIA))
        if (wanted > self.left()).any():
            raise ValueError(f"contacts by channel {wanted.tolist()} are too many: `left` says {self.left().tolist()}")
        self.used = self.used + wanted
        draws = stream(self.seed, "contacts", self.day).random((len(self.people), 8))[who]
        noticed = draws[:, 0] < known.noticed[rows, offer, channel]
        persuaded = noticed & (draws[:, 1] < known.persuaded[rows, offer, channel])
        now = 24.0 * self.day + hour
        about: dict[str, Any] = {
            "channel": np.array([m.name for m in MEDIA])[channel],
            "offer": offer,
            "decision": number,
        }
        about["category"] = self.offers.category[offer]
        self.diary.happened("sent", who, now + 1.0 / 3600.0, **about)
        seen_at = now + 0.02 - 3.0 * np.log1p(-draws[:, 2])
        clicked = noticed & (
            draws[:, 3] < np.where(persuaded, self.parameters.clicked_if_persuaded, self.parameters.clicked_otherwise)
        )
        for kind, which, at in (("viewed", noticed, seen_at), ("clicked", clicked, seen_at + 0.01)):
            self.diary.happened(kind, who[which], at[which], **{k: v[which] for k, v in about.items()})
        self._persuade(who[persuaded], offer[persuaded], now[persuaded], draws[persuaded])
        self._wear(who, channel, now, draws, about)
        return noticed

    def _persuade(self, who: Index, offer: Index, now: Floats, draws: Floats) -> None:
        """The purchase comes on a later day of the window, soon rather than late."""
        window = self.offers.window[offer]
        days = 1 + np.floor((window - 1) * draws[:, 4] ** 2).astype(np.intp)
        hour = 24.0 * (self.day + days) + OPENS + (CLOSES - OPENS) * draws[:, 5]
        at, place = self.condition, (who, self.offers.category[offer])
        over = (at.bought[place] < now) & (at.promised[place] < at.bought[place])
        at.pending[place] = np.where(over, hour, np.minimum(at.pending[place], hour))
        at.promised[place] = now
        np.subtract.at(self.stock, offer, 1)

    def _wear(self, who: Index, channel: Index, now: Floats, draws: Floats, about: dict[str, Any]) -> None:
        """The contact uses attention up and may be the last one on its channel."""
        at, missing = self.condition, 1.0 - self.condition.attention[who]
        leaves = draws[:, 6] < optout(self.parameters, self.condition.attention[who])
        complains = draws[:, 7] < self.parameters.complaint * missing
        at.attention[who] *= 1.0 - np.array([medium.wear for medium in MEDIA])[channel]
        at.contacted[who, channel] = now
        at.recent[who] = np.column_stack([now, at.recent[who][:, :-1]])
        at.opted_out[who[leaves], channel[leaves]] = True
        for kind, which in (("unsubscribed", leaves), ("complained", complains)):
            self.diary.happened(kind, who[which], now[which] + 0.5, **{k: v[which] for k, v in about.items()})

"""What a logged contact earned beyond silence, as far as its age allows to tell.

An offer is taken to bring about only what it is for. What would have been bought anyway by then is taken off; what is
still to come follows from the share of answers that come by that age, so the mean is right for young
contacts, too. Silence earns 0::

    G = (bought by now − bought by now anyway) / share of answers by that age
    earned = G·margin − (p₀ + G)·incentive [where noticed, or paid anyway] − cost
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from training.parts.delay import at_age
from training.parts.experience import Contacts
from training.parts.parts import Parts, by_now
from training.value.trial import Floats, Mask

FEWEST = 100
"""Contacts of an arm below which nothing is said of it, as where a policy may choose."""
LEAST_SHARE = 0.25
"""Share of answers that must be in by a contact's age for it to count: with less, chance is multiplied too much."""


@dataclass(frozen=True, slots=True, eq=False)
class Anyway:
    """The chance that what contacts are about is bought without them, ``[n]`` each."""

    by_now: Floats
    in_all: Floats
    """Within their whole windows: p₀."""

    @staticmethod
    def of(parts: Parts, contacts: Contacts) -> Anyway:
        """What the parts say."""
        in_all = parts.buying.probability(parts.columns.buying(contacts.X, contacts.offer))
        return Anyway(by_now(parts.columns, parts.buying, parts.shortest, contacts), in_all)

    def where(self, rows: Mask) -> Anyway:
        """These rows."""
        return Anyway(self.by_now[rows], self.in_all[rows])


def mature(contacts: Contacts, late: Floats, catalogue: Catalogue) -> float:
    """Days after which contacts with every offer are old enough, by what is said of their delays."""
    shares = 1.0 - at_age(late, np.linspace(0.0, 1.0, 201))
    needed = float(np.linspace(0.0, 1.0, 201)[int(np.argmax(shares >= LEAST_SHARE))])
    windows = [catalogue.offers[o].window_days for o in np.unique(contacts.offer).tolist()]
    return needed * max(windows, default=0.0)


def increments(contacts: Contacts, organic: Anyway, late: Floats, catalogue: Catalogue) -> Floats:
    """Minor units of every contact, ``[n]``."""
    offers = catalogue.offers
    margin = np.array([float(o.margin_minor) for o in offers])[contacts.offer]
    incentive = np.array([float(o.incentive_minor) for o in offers])[contacts.offer]
    automatic = np.array([o.automatic for o in offers], dtype=np.bool_)[contacts.offer]
    cost = np.array([c.cost_minor for c in catalogue.channels])[contacts.channel]
    share = np.maximum(1.0 - at_age(late, contacts.age), LEAST_SHARE)
    gained = (contacts.bought - organic.by_now) / share
    paid = contacts.noticed | automatic
    earned: Floats = gained * margin - paid * (organic.in_all + gained) * incentive - cost
    return earned


def by_arm(contacts: Contacts, organic: Anyway, late: Floats, catalogue: Catalogue) -> list[dict[str, Any]]:
    """What contacts with each offer on each channel earned beyond silence in the mean, each weighted by its inverse
    probability: ``offer_id``, ``channel``, ``value_minor``. Only contacts that are old enough count, and arms with
    FEWEST of them."""
    windows = np.array([offer.window_days for offer in catalogue.offers])[contacts.offer]
    old = contacts.age * windows >= np.minimum(mature(contacts, late, catalogue), windows)
    earned = increments(contacts, organic, late, catalogue)
    place = contacts.offer * len(catalogue.channels) + contacts.channel
    found = []
    for arm in np.unique(place[old]).tolist():
        own = old & (place == arm)
        if own.sum() >= FEWEST:
            offer, channel = divmod(arm, len(catalogue.channels))
            names = {
                "offer_id": str(catalogue.offers[offer].offer_id),
                "channel": str(catalogue.channels[channel].name),
            }
            mean = float(np.average(earned[own], weights=1.0 / contacts.probability[own]))
            found.append({**names, "value_minor": mean})
    return found

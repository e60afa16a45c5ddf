"""What a logged contact earned beyond silence, as far as its age allows to tell.

An offer is taken to bring about only what it is for. What would have been bought anyway (p₀, in even time) is taken
off; what is still to come follows from the share of answers that come by that age, so the mean is right for young
contacts, too. Silence earns 0::

    G = (bought by now − p₀·age) / share of answers by that age
    earned = G·margin − (p₀ + G)·incentive [where noticed, or paid anyway] − cost
"""

from __future__ import annotations

import numpy as np

from features.catalogue import Catalogue
from training.parts.delay import at_age
from training.parts.experience import Contacts
from training.value.trial import Floats

LEAST_SHARE = 0.25
"""Share of answers that must be in by a contact's age for it to count: with less, chance is multiplied too much."""


def mature(contacts: Contacts, late: Floats, catalogue: Catalogue) -> float:
    """Days after which contacts with every offer are old enough, by what is said of their delays."""
    shares = 1.0 - at_age(late, np.linspace(0.0, 1.0, 201))
    needed = float(np.linspace(0.0, 1.0, 201)[int(np.argmax(shares >= LEAST_SHARE))])
    windows = [catalogue.offers[o].window_days for o in np.unique(contacts.offer).tolist()]
    return needed * max(windows, default=0.0)


def increments(contacts: Contacts, organic: Floats, late: Floats, catalogue: Catalogue) -> Floats:
    """Minor units of every contact, ``[n]``; ``organic`` is p₀ of its whole window."""
    offers = catalogue.offers
    margin = np.array([float(o.margin_minor) for o in offers])[contacts.offer]
    incentive = np.array([float(o.incentive_minor) for o in offers])[contacts.offer]
    automatic = np.array([o.automatic for o in offers], dtype=np.bool_)[contacts.offer]
    cost = np.array([c.cost_minor for c in catalogue.channels])[contacts.channel]
    share = np.maximum(1.0 - at_age(late, contacts.age), LEAST_SHARE)
    gained = (contacts.bought - organic * contacts.age) / share
    paid = contacts.noticed | automatic
    earned: Floats = gained * margin - paid * (organic + gained) * incentive - cost
    return earned

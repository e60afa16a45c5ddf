"""What a contact uses up of the customer's attention, in money, as recent contacts and departures tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.domain import DAY, Direction
from serving.columns import PLACES
from serving.score import ASSUMED, Attention
from training.parts.attention import learn_wear, price
from training.parts.experience import Experience
from training.parts.parts import Parts
from training.policy_value.logged import Logged
from training.value.trial import Floats, Mask

DISCOUNT = 0.995
"""Of what attention will be worth, per day."""
SHOWN = 500
"""Values of a day's best contact among which attention's programme chooses."""
RECENT = PLACES["customer_contacts_7d"]


def learn_attention(
    known: Experience, parts: Parts, earned: Floats, values: Floats, opened: Mask, found: Logged
) -> Attention:
    """From what recent contacts did to earnings and departures; what a day may bring is what the model now sees."""
    contacts, catalogue = known.contacts, known.catalogue
    cost = np.array([c.cost_minor for c in catalogue.channels])[contacts.channel]
    rested = contacts.X.copy()
    rested[:, RECENT] = 0.0
    full = np.maximum(parts.value(rested, contacts.offer, contacts.channel) + cost, 0.0)
    recent = np.nan_to_num(contacts.X[:, RECENT].astype(np.float64))
    wear = learn_wear(recent, full, earned + cost, contacts.put_off)
    # Who leaves a channel is still reached on the others: that much of what is to come is lost.
    ways = len({c.name for c in catalogue.channels if c.direction is Direction.OUTBOUND})
    wear = replace(wear, leaves=wear.leaves / max(ways, 1))
    arm_cost = np.array([arm.cost for arm in found.arms])
    free = opened.sum(axis=1) > 1
    if not free.any():
        return ASSUMED
    best = np.where(opened, values + arm_cost, 0.0)[free].max(axis=1)
    often = _asked_a_day(found)
    a_day = np.quantile(np.maximum(best, 0.0), (np.arange(SHOWN) + 0.5) / SHOWN)
    asked = a_day[:: max(round(1.0 / often), 1)] if often < 1 else a_day
    quiet = np.zeros(round(len(asked) * max(1.0 / often - 1.0, 0.0)))
    found_price = price(wear, np.concatenate([asked, quiet]), float(np.median(cost)), DISCOUNT)
    return replace(found_price, contact=max(found_price.contact, 0.0), slope=max(found_price.slope, 0.0))


def _asked_a_day(found: Logged) -> float:
    """Decisions per customer and day."""
    at = found.rows["at_us"].to_numpy()
    days = max((int(at.max()) - int(at.min())) / DAY, 1.0)
    return len(at) / (len(set(found.rows["customer_id"].to_pylist())) * days)

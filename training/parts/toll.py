"""What a contact uses up of the customer's patience, as recent contacts, departures and complaints tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.domain import DAY, Direction
from serving.attention import ASSUMED, Attention
from serving.columns import PLACES
from serving.patience import COMPLAINING, LEAVING, Patience
from serving.policy.cabinet import Cabinet
from serving.policy.document import Name, policy_of
from serving.policy.held import in_force
from serving.policy.policy import Losses
from serving.settings import Settings
from training.parts.attention import GRID, learn_wear, price, worth
from training.parts.channels import falls_of, learn_tolls
from training.parts.departures import answered
from training.parts.experience import Experience
from training.policy_value.logged import Logged
from training.value.trial import Floats, Mask

DISCOUNT = 0.995
"""Of what attention will be worth, per day."""
SHOWN = 500
"""Values of a day's best contact among which attention's programme chooses."""
RECENT = PLACES["customer_contacts_7d"]


def losses_of(settings: Settings) -> Losses:
    """What the policy in force says that departures and complaints cost; its default where it cannot be read."""
    held = in_force(Cabinet(settings.origin_dir), Name.POLICY, policy_of, lambda _: None)
    return Losses() if held.document is None else held.document.value.losses


def learn_patience(known: Experience, values: Floats, opened: Mask, found: Logged, losses: Losses) -> Patience:
    """From what recent contacts did to noticing and departures; what a day may bring is what the model now sees.

    A contact earns in proportion to its being noticed, which is known at once, while purchases are rare and late. The
    price is that of a mean contact; what one on each channel takes beside it is told with it.
    """
    contacts, catalogue = known.contacts, known.catalogue
    cost = np.array([c.cost_minor for c in catalogue.channels])[contacts.channel]
    recent = np.nan_to_num(contacts.X[:, RECENT].astype(np.float64))
    leaving, complaining = (
        answered(recent, contacts.left, LEAVING),
        answered(recent, contacts.complained, COMPLAINING),
    )
    falls = falls_of(contacts, catalogue)
    learnt = learn_wear(recent, falls.rested, contacts.noticed.astype(np.float64), contacts.left)
    usual = float(recent.mean()) if len(recent) else 0.0
    tolls = learn_tolls(contacts, catalogue, falls.by_channel, recent, leaving, complaining)
    unlearnt = Patience(ASSUMED, leaving, complaining, usual=usual, tolls=tolls)
    arm_cost = np.array([arm.cost for arm in found.arms])
    free = opened.sum(axis=1) > 1
    if not free.any():
        return unlearnt
    best = np.where(opened, values + arm_cost, 0.0)[free].max(axis=1)
    days = _days(np.maximum(best, 0.0), _asked_a_day(found))
    typical = float(np.median(cost))
    wear = replace(learnt, leaves=np.minimum(leaving.rested + leaving.weary * GRID, 1.0))
    # Who leaves a channel is still reached on the others: that much of what is to come is lost.
    ways = max(len({c.name for c in catalogue.channels if c.direction is Direction.OUTBOUND}), 1)
    lost = worth(replace(wear, leaves=wear.leaves / ways), days, typical, DISCOUNT) / ways
    charged = Patience(Attention(0.0, 0.0), leaving, complaining, lost).price(losses)
    staying = replace(wear, leaves=np.zeros(len(GRID)))
    worn = price(staying, days, typical + charged.contact + charged.slope * GRID, DISCOUNT)
    # A slope below 0 would ask for the weary: then the mean alone.
    contact = worn.contact + min(worn.slope, 0.0) * usual
    return replace(unlearnt, wear=Attention(max(contact, 0.0), max(worn.slope, 0.0)), lost_minor=lost)


def _days(best: Floats, often: float) -> Floats:
    """What days may bring, from the best contacts of those asked about and how often one is; 0 on the others."""
    a_day = np.quantile(best, (np.arange(SHOWN) + 0.5) / SHOWN)
    asked = a_day[:: max(round(1.0 / often), 1)] if often < 1 else a_day
    quiet = np.zeros(round(len(asked) * max(1.0 / often - 1.0, 0.0)))
    return np.concatenate([asked, quiet])


def _asked_a_day(found: Logged) -> float:
    """Decisions per customer and day."""
    at = found.rows["at_us"].to_numpy()
    days = max((int(at.max()) - int(at.min())) / DAY, 1.0)
    return len(at) / (len(set(found.rows["customer_id"].to_pylist())) * days)


def told_of(patience: Patience, losses: Losses) -> str:
    """The same for people."""
    found, leaving = patience.price(losses), patience.leaving
    shares = ", ".join(f"{channel} {share:.2f}" for channel, share in found.channels)
    return (
        f"attention: {found.contact:.2f} a contact, {found.slope:.2f} for each recent one, minor units; "
        f"of these {patience.wear.contact:.2f} and {patience.wear.slope:.2f} for what follows; "
        f"{leaving.rested:.4f} leave, {leaving.weary:.4f} more with each recent one"
        + (f"; of that price by channel: {shares}" if shares else "")
    )

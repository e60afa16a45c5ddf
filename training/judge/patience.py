"""Learnt prices of attention against the exact dynamic programme: one customer's patience, played many times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from serving.attention import Attention
from training.parts.attention import HALF_LIFE_DAYS, Wear, learn_wear, price
from training.value.trial import Floats, Mask
from training.world.patience import Patience

PAYS = 0.1
"""Chance that a contact with full attention pays at all; it then pays the tenfold."""
LOG_DAYS, LOG_SHARE = 90, 0.25
"""Days of the random log, and how often it speaks."""
PLAYED_DAYS = 900
DECAY = 2.0 ** (-1.0 / HALF_LIFE_DAYS)
Speak = Callable[[Floats, Floats], Mask]
"""From recent contacts and the day's full value, ``[n]`` each, to whether to speak."""

REFERENCE = Patience(np.random.default_rng(1).gamma(1.5, 10.0, 12), 1.0, 0.25, 0.93, 0.001, 0.08)
KINDS = {
    "reference": REFERENCE,
    "patient": Patience(np.array([0.0, 5.0, 20.0, 60.0]), 1.0, 0.12, 0.85, 0.001, 0.02),
    "usual": Patience(np.array([0.0, 5.0, 20.0, 60.0]), 1.0, 0.25, 0.90, 0.003, 0.05),
    "touchy": Patience(np.array([0.0, 5.0, 20.0, 60.0]), 1.0, 0.35, 0.93, 0.005, 0.10),
}


@dataclass(frozen=True, slots=True)
class Shares:
    """Worth as shares of the programme's."""

    learnt: float
    """Price and slope learnt from a random log."""
    myopic: float
    """Speaking whenever the modelled value exceeds the cost."""
    price: Attention


def judge_patience(true: Patience, *, customers: int, seed: int) -> Shares:
    """Learn prices from a random log of such customers, and play them against the programme."""
    rng = np.random.default_rng(seed)
    wear = _learnt(true, customers, rng)
    found = price(wear, true.values, true.cost, true.discount)
    best = true.solve()[1]

    def priced(recent: Floats, value: Floats) -> Mask:
        gain: Floats = wear.share(recent) * value - true.cost
        return gain > found.contact + found.slope * recent

    def myopic(recent: Floats, value: Floats) -> Mask:
        gain: Floats = wear.share(recent) * value - true.cost
        return gain > 0.0

    played = [_play(true, rule, customers, np.random.default_rng(seed + 1)) for rule in (priced, myopic)]
    return Shares(played[0] / best, played[1] / best, found)


def _learnt(true: Patience, customers: int, rng: np.random.Generator) -> Wear:
    """From a log of random contacts: what each earned is a rare, large payment."""
    attention, recent, here = np.ones(customers), np.zeros(customers), np.ones(customers, dtype=np.bool_)
    rows: list[tuple[Floats, Floats, Floats, Mask]] = []
    for _ in range(LOG_DAYS):
        value = rng.choice(true.values, customers)
        said = here & (rng.random(customers) < LOG_SHARE)
        paid = value / PAYS * (rng.random(customers) < PAYS * attention)
        left = said & (rng.random(customers) < _leaves(true, attention))
        rows.append((recent[said], value[said], paid[said], left[said]))
        attention, recent = _tomorrow(true, attention, recent, said)
        here &= ~left
    together = [np.concatenate(each) for each in zip(*rows, strict=True)]
    return learn_wear(together[0], together[1], together[2], together[3].astype(np.bool_))


def _play(true: Patience, speak: Speak, customers: int, rng: np.random.Generator) -> float:
    """Discounted worth of a rule per customer from full attention on; expected rewards, drawn departures."""
    attention, recent, here = np.ones(customers), np.zeros(customers), np.ones(customers, dtype=np.bool_)
    worth = 0.0
    for day in range(PLAYED_DAYS):
        value = rng.choice(true.values, customers)
        said = here & speak(recent, value)
        worth += true.discount**day * float(np.where(said, attention * value - true.cost, 0.0).mean())
        here &= ~(said & (rng.random(customers) < _leaves(true, attention)))
        attention, recent = _tomorrow(true, attention, recent, said)
    return worth


def _leaves(true: Patience, attention: Floats) -> Floats:
    chance: Floats = true.optout_rested + true.optout_weary * (1.0 - attention) ** 2
    return chance


def _tomorrow(true: Patience, attention: Floats, recent: Floats, said: Mask) -> tuple[Floats, Floats]:
    worn = np.where(said, attention * (1.0 - true.wear), attention)
    return 1.0 - (1.0 - worn) * true.missing, (recent + said) * DECAY


def every_kind(contacts: int, seed: int) -> dict[str, Shares]:
    """Every kind of customer, with prices learnt from about so many contacts."""
    customers = max(100, round(contacts / (LOG_DAYS * LOG_SHARE)))
    return {name: judge_patience(true, customers=customers, seed=seed) for name, true in KINDS.items()}


def attention_table(found: dict[str, Shares]) -> str:
    """The same for people."""
    lines = [f"{'attention, share of the exact programme':<42}{'learnt':>9}{'myopic':>9}{'price':>9}{'slope':>9}"]
    for name, each in found.items():
        lines.append(
            f"{name:<42}{each.learnt:>9.3f}{each.myopic:>9.3f}{each.price.contact:>9.2f}{each.price.slope:>9.2f}"
        )
    return "\n".join(lines)

"""Shares of the oracle's value, market by market, with paired intervals over customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.judge.contenders import KAIROS, contenders
from training.judge.ground import Ground
from training.judge.taught import taught
from training.parts.parts import Parts, Said, fit_parts, worth
from training.resampling import Interval, drawn_sums, interval
from training.value.trial import Floats, Index
from training.world.parameters import Inside

DRAWS = 1_000
CONSTANT, TAUGHT = "(best constant, chosen on the truth)", "(the same columns, taught the truth)"
"""Shown beside the contenders: they know what nobody can."""


@dataclass(frozen=True, slots=True)
class Card:
    """One market."""

    inside: Inside
    seed: int
    shares: Mapping[str, Interval]
    """Share of the oracle's value by rule."""
    lead: Interval
    """Kairos' share less that of the best other contender."""
    runner_up: str
    contacted: Mapping[str, float]
    """Share of customers contacted, by rule."""
    known: Mapping[str, float]
    """Kairos' share where one of its parts is replaced by the truth."""
    absent: Mapping[str, str]
    contacts: int

    @property
    def ratio(self) -> float:
        """Kairos' share as a multiple of the best other's."""
        other = self.shares[self.runner_up].value
        return self.shares[KAIROS].value / other if other > 0 else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "inside": str(self.inside),
            "seed": self.seed,
            "contacts": self.contacts,
            "shares": {name: [each.value, each.low, each.high] for name, each in self.shares.items()},
            "lead": [self.lead.value, self.lead.low, self.lead.high],
            "runner_up": self.runner_up,
            "ratio": self.ratio if np.isfinite(self.ratio) else None,
            "contacted": dict(self.contacted),
            "with_truth_of": dict(self.known),
            "absent": dict(self.absent),
        }


def judge(ground: Ground, inside: Inside, seed: int, *, fit_seed: int, threads: int) -> Card:
    """Let everybody learn and choose, and keep the score."""
    parts = fit_parts(ground.known, seed=fit_seed, threads=threads)
    everybody = contenders(ground, parts, seed=fit_seed, threads=threads)
    chosen = {c.name: c.choose(ground.occasions) for c in everybody if c.score is not None}
    worths = {name: ground.worth(choice) for name, choice in chosen.items()}
    worths[CONSTANT] = _best_constant(ground)
    worths[TAUGHT] = ground.worth(_best(taught(ground, parts.columns, seed=fit_seed, threads=threads)))
    names = list(worths)
    columns = np.column_stack([*(worths[name] for name in names), ground.oracle])
    drawn = drawn_sums(ground.occasions.customer, columns, n_draws=DRAWS, seed=fit_seed)
    total, top = columns.sum(axis=0), drawn[:, -1]
    shares = {name: interval(total[i] / total[-1], drawn[:, i] / top) for i, name in enumerate(names)}
    others = [name for name in chosen if name != KAIROS]
    runner_up = max(others, key=lambda name: shares[name].value)
    gap = drawn[:, names.index(KAIROS)] - drawn[:, names.index(runner_up)]
    lead = interval(shares[KAIROS].value - shares[runner_up].value, gap / top)
    said = _said(ground, parts)
    return Card(
        inside,
        seed,
        shares,
        lead,
        runner_up,
        {name: float((choice >= 0).mean()) for name, choice in chosen.items()},
        {name: _with_truth(ground, said, fields) for name, fields in SUBSTITUTED.items()},
        {c.name: c.absent for c in everybody if c.score is None},
        len(ground.known.contacts),
    )


SUBSTITUTED: Mapping[str, tuple[str, ...]] = {
    "v": ("noticed",),
    "π": ("persuaded",),
    "p₀": ("organic",),
    "v, π": ("noticed", "persuaded"),
    "v, p₀": ("noticed", "organic"),
    "π, p₀": ("persuaded", "organic"),
}


def _said(ground: Ground, parts: Parts) -> Said:
    asked = ground.occasions
    return parts.say(asked.X, asked.all_offers(), asked.all_channels())


def _with_truth(ground: Ground, said: Said, fields: Sequence[str]) -> float:
    """Kairos' share of the oracle with these parts known exactly."""
    asked, truth = ground.occasions, ground.truth
    shape = truth.noticed.shape
    organic = np.broadcast_to(truth.organic[:, :, None], shape)
    true = {"noticed": truth.noticed, "persuaded": truth.persuaded, "organic": organic}
    known = replace(said, **{name: true[name].reshape(-1) for name in fields})
    value = worth(ground.known.catalogue, asked.all_offers(), asked.all_channels(), known)
    scores = np.where(asked.allowed, value.reshape(len(asked), -1), -np.inf)
    return float(ground.worth(_best(scores)).sum() / ground.oracle.sum())


def _best(scores: Floats) -> Index:
    choice: Index = np.where(scores.max(axis=1) > 0.0, scores.argmax(axis=1), -1)
    return choice


def _best_constant(ground: Ground) -> Floats:
    value = np.where(np.isfinite(ground.value), ground.value, 0.0)
    best: Floats = value[:, int(value.sum(axis=0).argmax())]
    return best


def table(cards: Sequence[Card]) -> str:
    """All markets for people: shares by rule, then what Kairos loses where."""
    names = sorted({name for card in cards for name in card.shares}, key=lambda n: -float(np.mean(_of(cards, n))))
    heads = [f"{card.inside[:4]} {card.seed}" for card in cards]
    width = max(len(name) for name in names) + 2
    lines = [f"{'share of the oracle':<{width}}" + "".join(f"{head:>10}" for head in heads) + f"{'mean':>10}"]
    for name in names:
        found = _of(cards, name)
        lines.append(f"{name:<{width}}" + "".join(f"{x:>10.3f}" for x in found) + f"{np.mean(found):>10.3f}")
    lines.append(f"{'lead of Kairos':<{width}}" + "".join(f"{card.lead.value:>10.3f}" for card in cards))
    lines.append(f"{'  paired 95 % from':<{width}}" + "".join(f"{card.lead.low:>10.3f}" for card in cards))
    lines.append(f"{'  to':<{width}}" + "".join(f"{card.lead.high:>10.3f}" for card in cards))
    lines.append(f"{'  times the best other':<{width}}" + "".join(f"{card.ratio:>10.2f}" for card in cards))
    lines.append("Kairos with the truth of")
    for name in SUBSTITUTED:
        found = [card.known[name] for card in cards]
        lines.append(f"{'  ' + name:<{width}}" + "".join(f"{x:>10.3f}" for x in found) + f"{np.mean(found):>10.3f}")
    lines += sorted({f"{name}: left out, {why}" for card in cards for name, why in card.absent.items()})
    return "\n".join(lines)


def verdict(cards: Sequence[Card]) -> str:
    """The aims, and in how many markets each is met."""
    n = len(cards)
    above = sum(card.lead.low > 0 for card in cards)
    clear = sum(card.ratio >= 1.3 for card in cards)
    high = sum(card.shares[KAIROS].value >= 0.70 for card in cards)
    return (
        f"Above every other beyond the paired interval: {above} of {n} markets. "
        f"At least 1.3 × the best other: {clear} of {n}. At least 0.70 of the oracle: {high} of {n}."
    )


def _of(cards: Sequence[Card], name: str) -> list[float]:
    return [card.shares[name].value if name in card.shares else float("nan") for card in cards]

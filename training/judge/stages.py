"""``python -m training.judge.stages``: the inferred stage of the buying cycle beside the market's truth.

Every customer and category on some days: how often the inferred stage is the true one, beside the stage that most are
in and beside the latest event (a visit or basket within a week); and what the best offer of the category is truly worth
by the inferred stage, which is what waiting for the right moment earns.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.past import Past
from features.schema import BY_CATEGORY
from features.stage import DEFAULT, STAGES
from training.resampling import Interval
from training.world.market import Market
from training.world.parameters import CATEGORIES, Inside, Parameters
from training.world.people import Floats, Index

KINDS = {
    "latest_interest": ("visited", "clicked", "carted"),
    "latest_baskets": ("carted",),
    "latest_purchases": ("purchased",),
}
RECENT_DAYS = 7.0
HOUR = 12.0
"""Local hour at which is looked."""
WAYS = ("inferred", "most are in", "latest event")


@dataclass(frozen=True)
class Found:
    """One look at everybody; arrays are ``[n, categories]``."""

    truth: Index
    belief: Floats
    """``[n, categories, 3]``."""
    rule: Index
    """By the latest event."""
    worth: Floats
    """What the best offer of the category is truly worth now, minor units; NaN where none is allowed."""


def look(market: Market) -> Found:
    """The market at noon, as somebody sees it who has the events alone, and as it is."""
    now = 24.0 * market.day + HOUR
    past = _past(market, now)
    interest, basket = past.since("latest_interest"), past.since("latest_baskets")
    rule = np.where(basket < RECENT_DAYS, 2, np.where(interest < RECENT_DAYS, 1, 0))
    bought = past.since("latest_purchases")
    rule = np.where(bought <= np.fmin(interest, np.inf), 0, rule)
    everyone = np.arange(len(market.people))
    value = market.truth(everyone, np.full(len(everyone), HOUR)).value.max(axis=2)
    of = [market.offers.category == c for c in range(len(CATEGORIES))]
    worth = np.stack([value[:, mine].max(axis=1) if mine.any() else value[:, 0] * np.nan for mine in of], axis=1)
    return Found(market.condition.stage.copy(), DEFAULT.belief(past), rule, np.where(np.isfinite(worth), worth, np.nan))


def _past(market: Market, now: float) -> Past:
    """The latest events of every customer in every category, as features keep them."""
    events, n = market.diary.all_events(), len(market.people)
    hours, category = events["hour"].astype(float), events["category"].astype(int)
    customer, kind = events["customer"].astype(int), events["kind"]
    days = np.full((n, len(CATEGORIES), len(BY_CATEGORY.extremes)), np.nan)
    for place, extreme in enumerate(BY_CATEGORY.extremes):
        wanted = np.isin(kind, KINDS.get(extreme.name, ())) & (category >= 0) & (hours <= now)
        latest = np.full((n, len(CATEGORIES)), -np.inf)
        np.maximum.at(latest, (customer[wanted], category[wanted]), hours[wanted])
        days[:, :, place] = np.where(np.isfinite(latest), (now - latest) / 24.0, np.nan)
    return Past(BY_CATEGORY, np.zeros((n, len(CATEGORIES), len(BY_CATEGORY.sums))), days)


def played(inside: Inside, seed: int, customers: int, days: Sequence[int]) -> list[Found]:
    """Looks on some days of a market in which nobody is contacted."""
    market = Market.of(replace(Parameters(inside), customers=customers, days=max(days) + 1, newcomers=0.0), seed)
    found = []
    for day in range(max(days) + 1):
        market.morning()
        if day in days:
            found.append(look(market))
    return found


@dataclass(frozen=True)
class Score:
    """How good one way is, with 95 % intervals over customers."""

    accuracy: Interval
    recall: Interval
    """Mean over the stages of the share of it that is found; guessing one stage for all gets a third."""


def scores(looks: Sequence[Found], draws: int = 200, seed: int = 7) -> dict[str, Score]:
    """Of every way."""
    truth = np.concatenate([each.truth for each in looks], axis=1)
    most = int(np.bincount(truth.ravel(), minlength=3).argmax())
    inferred = np.concatenate([each.belief.argmax(axis=2) for each in looks], axis=1)
    rule = np.concatenate([each.rule for each in looks], axis=1)
    said = dict(zip(WAYS, (inferred, np.full_like(truth, most), rule), strict=True))
    return {name: _score(truth, each, draws, seed) for name, each in said.items()}


def _score(truth: Index, said: Index, draws: int, seed: int) -> Score:
    hit = (truth == said).mean(axis=1)
    by = np.stack([((truth == stage) & (said == stage)).sum(axis=1) for stage in range(3)])
    of = np.stack([(truth == stage).sum(axis=1) for stage in range(3)])
    rng, n = np.random.default_rng(seed), len(truth)
    rows = [rng.integers(0, n, n) for _ in range(draws)]
    recall = [(by[:, r].sum(axis=1) / of[:, r].sum(axis=1)).mean() for r in rows]
    accuracy = [hit[r].mean() for r in rows]
    return Score(
        Interval(float(hit.mean()), *map(float, np.quantile(accuracy, [0.025, 0.975]))),
        Interval(float((by.sum(axis=1) / of.sum(axis=1)).mean()), *map(float, np.quantile(recall, [0.025, 0.975]))),
    )


def worth_by_stage(looks: Sequence[Found], true: bool = False) -> dict[str, Interval]:
    """Mean true worth of the best offer of a category now, by the inferred (or the true) stage, minor units."""
    inferred = np.concatenate([each.truth if true else each.belief.argmax(axis=2) for each in looks], axis=1)
    worth = np.concatenate([each.worth for each in looks], axis=1)
    told = {}
    for number, stage in enumerate(STAGES):
        mine = (inferred == number) & np.isfinite(worth)
        total, count = np.where(mine, worth, 0.0).sum(axis=1), mine.sum(axis=1)
        mean = total.sum() / max(count.sum(), 1)
        spread = 1.96 * float(np.sqrt(np.square(total - mean * count).sum())) / max(count.sum(), 1)
        told[str(stage)] = Interval(float(mean), float(mean - spread), float(mean + spread))
    return told


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables for one market of each inside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--customers", type=int, default=4_000)
    given = parser.parse_args(arguments)
    for inside in Inside:
        looks = played(inside, given.seed, given.customers, (30, 50, 70, 90))
        print(f"{inside}, {given.customers:,} customers × {len(CATEGORIES)} categories on {len(looks)} days")
        for name, score in scores(looks).items():
            a, r = score.accuracy, score.recall
            print(f"  {name:<14} right {a.value:.3f} [{a.low:.3f}, {a.high:.3f}], mean recall {r.value:.3f} "
                  f"[{r.low:.3f}, {r.high:.3f}]")  # fmt: skip
        for true, word in ((False, "inferred"), (True, "truly")):
            for stage, value in worth_by_stage(looks, true).items():
                print(f"  {word:<8} {stage:<9} the best offer is truly worth {value.value:+.2f} "
                      f"[{value.low:+.2f}, {value.high:+.2f}] minor units")  # fmt: skip


if __name__ == "__main__":
    main()

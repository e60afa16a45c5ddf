"""One market from its first morning to the score: what a process of its own does."""

from __future__ import annotations

from dataclasses import replace

from threadpoolctl import threadpool_limits

from serving.settings import Settings
from training.judge.ground import Size, prepare
from training.judge.scorecard import Card, judge
from training.world.parameters import Inside


def market(settings: Settings, inside: Inside, seed: int, size: Size) -> Card:
    """One market, judged on one thread."""
    with threadpool_limits(1):
        ground = prepare(replace(settings, threads=1), inside, seed, size)
        return judge(ground, inside, seed, fit_seed=settings.seed, threads=1)

"""How the cores of the machine are used: by this process, by others, not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Spent(NamedTuple):
    """How a core has spent its time so far, seconds."""

    busy: float
    idle: float


class Use(NamedTuple):
    """Shares of a core's time."""

    others: float
    """In which others than this process were at work on it."""
    idle: float


def uses(before: Mapping[int, Spent], now: Mapping[int, Spent], own: Mapping[int, float]) -> dict[int, Use]:
    """How each core was used between two looks; ``own`` is how many seconds we were at work on it."""
    found = {}
    for core, (busy, idle) in now.items():
        was = before.get(core)
        if was is not None and (whole := busy + idle - was.busy - was.idle) > 0:
            found[core] = Use((busy - was.busy - own.get(core, 0.0)) / whole, (idle - was.idle) / whole)
    return found


def spent() -> dict[int, Spent]:
    """How each core has spent its time (man 5 proc_stat); empty where it is not told."""
    tick, found = os.sysconf("SC_CLK_TCK"), {}
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    for line in lines:
        name, *ticks = line.split()
        if name.startswith("cpu") and name[3:].isdigit():
            user, nice, system, idle, waiting, *more = (int(each) / tick for each in ticks[:8])
            found[int(name[3:])] = Spent(user + nice + system + sum(more), idle + waiting)
    return found

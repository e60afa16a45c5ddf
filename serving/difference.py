"""Where a decision made again is another one than the one that was kept."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np
from msgspec.structs import asdict

from serving.findings import Findings

TOLERANCE = 1e-9
"""Relative to the larger of the two numbers and 1."""


def differences(kept: Findings, again: Findings) -> tuple[str, ...]:
    """Where the two differ, as paths with both values: numbers beyond TOLERANCE, everything else at all."""
    return tuple(_compared("", _plain(kept), _plain(again)))


def _plain(findings: Findings) -> dict[str, Any]:
    """The funnel by the names of its rules, for their numbers may differ between builds."""
    told = asdict(findings)
    names = dict(enumerate(findings.rules))
    told["removed"] = [names.get(number) for number in findings.removed]
    told["scores"] = np.frombuffer(findings.scores, dtype="<f8").tolist()
    told["items"] = [
        {**asdict(item), "components": dict(zip(findings.components, item.amounts, strict=True)), "amounts": None}
        for item in findings.items
    ]
    del told["rules"], told["components"]
    return told


def _compared(where: str, one: Any, other: Any) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from _compared(f"{where}/{name}", one.get(name), other.get(name))
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from _compared(f"{where}/{place}", a, b)
    elif not _same(one, other):
        yield f"{where}: {one!r} was kept, {other!r} was found"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and isfinite(one) and isfinite(other):
        return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))
    return bool(one == other) or (_unknown(one) and _unknown(other))


def _unknown(value: Any) -> bool:
    return value is None or value != value

"""Whether two customers may be joined because one event carried names of both. A shared device makes no family one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.identity.namespace import TOTAL_LIMIT, limit_of

Counts = Mapping[str, int]
"""Names of a customer per namespace."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a join does not happen."""

    code: str
    why: str


def refuse_join(left: Counts, right: Counts, apart: bool) -> Refusal | None:
    """The reason against joining two customers, None where there is none.

    Args:
        left: Names of the one.
        right: Names of the other.
        apart: True where a person has set the two apart.
    """
    if apart:
        return Refusal("set_apart", "these customers were set apart by hand and are not joined again by an event")
    for name in sorted({*left, *right}):
        if (found := left.get(name, 0) + right.get(name, 0)) > limit_of(name):
            return Refusal(
                "too_many_names",
                f"together: {found} names of namespace {name!r}, and one customer has at most {limit_of(name)}",
            )
    if (found := sum(left.values()) + sum(right.values())) > TOTAL_LIMIT:
        return Refusal(
            "too_many_names", f"together they would have {found} names: one customer has at most {TOTAL_LIMIT}"
        )
    return None

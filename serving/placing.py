"""Which of the offers made stands where the caller has room for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from serving.answer_api import Placed
from serving.api import Placement
from serving.item_api import Item


def placed(placements: Iterable[Placement], items: Sequence[Item]) -> list[Placed]:
    """For each place the best offer made on its channel that stands in none before it; without one it stays empty."""
    left, found = list(items), []
    for each in placements:
        item = next((item for item in left if item.channel == each.channel), None)
        if item is not None:
            left.remove(item)
        found.append(Placed(placement=each.placement, channel=each.channel, rank=None if item is None else item.rank))
    return found

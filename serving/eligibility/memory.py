"""Which events have to be read for the rests and sequences of a policy, and how far back."""

from __future__ import annotations

from collections.abc import Mapping

from features.catalogue import Catalogue
from features.domain import DAY, Kind
from serving.eligibility.rest import KINDS
from serving.policy.policy import DEFAULT, After, Policy

FAR_DAYS = 3_650.0
"""For what may have happened ever: the state remembers the latest of most kinds anyway."""


def needed(policy: Policy, catalogue: Catalogue) -> Mapping[Kind, int]:
    """How far back events of each kind are asked for, microseconds; nothing where the customer's state tells enough.

    The rests that hold without a document are such: they ask only when each offer was turned down last.
    """
    spans: dict[Kind, float] = {}
    if policy.rests != DEFAULT.rests:
        longest = max((offer.window_days for offer in catalogue.offers), default=0.0)
        for rest in policy.rests:
            days = rest.within_days + rest.rest_days + (longest if rest.after is After.IGNORED else 0.0)
            for kind in KINDS[rest.after]:
                spans[kind] = max(days, spans.get(kind, 0.0))
    for line in policy.sequences:
        if line.event is not None:
            days = FAR_DAYS if line.within_days is None else line.within_days
            spans[line.event] = max(days, spans.get(line.event, 0.0))
    return {kind: round(days * DAY) for kind, days in sorted(spans.items())}

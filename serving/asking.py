"""What a request asks, in the words of a decision."""

from __future__ import annotations

from typing import cast

from features.domain import ChannelName, CustomerId, DecisionId, Instant, OfferId
from serving import api
from serving.decision import Ask
from serving.language import Language


def ask_of(request: api.Bounds, customer_id: CustomerId, at: Instant, decision_id: DecisionId) -> Ask:
    """What a request asks, for the customer whom it turned out to mean."""
    return Ask(
        decision_id,
        customer_id,
        at,
        request.kind,
        _channels(request),
        request.limit,
        None if request.offer_id is None else OfferId(request.offer_id),
        request.contacts,
        request.context or {},
        request.seed,
        _LANGUAGES[request.language],
    )


_LANGUAGES = {each.value: each for each in Language}


def _channels(request: api.Bounds) -> frozenset[ChannelName] | None:
    """Channels to use; None where the request names none."""
    if request.channels is None and request.placements is None:
        return None
    named = frozenset(request.channels or ())
    if request.placements is not None:
        named |= {each.channel for each in request.placements}
    return cast(frozenset[ChannelName], named)

"""What may be offered and where: the offers and channels of one source of data, as one JSON document."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from features.domain import (
    Channel,
    ChannelName,
    Direction,
    FollowUp,
    Importance,
    Instant,
    Kind,
    Offer,
    OfferId,
    Response,
    Wording,
)


@dataclass(frozen=True)
class Catalogue:
    """Offers and channels, with what a reader of an answer must know of the data behind them."""

    source: str
    currency: str
    """ISO 4217."""
    now: Instant
    """The instant up to which history is known; a simulated clock starts here."""
    fingerprint: str
    """Digest of the data that the catalogue came with."""
    offers: tuple[Offer, ...]
    channels: tuple[Channel, ...]
    assumptions: Mapping[str, str] = field(default_factory=dict)
    """Settings that stand for unknown facts, such as the margin share, as name and printed value."""
    limits: tuple[str, ...] = ()
    """Sentences about what the data cannot tell."""
    consents_assumed: tuple[str, ...] = ()
    """Purposes to which customers count as having consented until they say otherwise."""
    counted: tuple[str, ...] = ()
    """Categories that count as such beside those of the offers."""

    @cached_property
    def offer(self) -> dict[OfferId, Offer]:
        """Offers by id."""
        return {o.offer_id: o for o in self.offers}

    @cached_property
    def channel(self) -> dict[ChannelName, Channel]:
        """Channels by name."""
        return {c.name: c for c in self.channels}

    @cached_property
    def categories(self) -> frozenset[str]:
        """The vocabulary: all that an offer belongs to or is taken by, and those counted. Others count as ``other``."""
        named = {o.category for o in self.offers} | {o.buys for o in self.offers if o.buys is not None}
        return frozenset(named) | frozenset(self.counted)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of offer, in the order of first appearance."""
        return tuple(dict.fromkeys(o.kind for o in self.offers))

    def to_json(self) -> str:
        """The document; ``from_json`` reads it back unchanged."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Catalogue:
        """The catalogue that ``to_json`` wrote."""
        raw: dict[str, Any] = json.loads(text)
        offers = tuple(_offer(o) for o in raw["offers"])
        channels = tuple(Channel(**{**c, "direction": Direction(c["direction"])}) for c in raw["channels"])
        texts = {name: tuple(raw.get(name, ())) for name in ("limits", "consents_assumed", "counted")}
        return Catalogue(**{**raw, "offers": offers, "channels": channels, **texts})


def _offer(raw: Mapping[str, Any]) -> Offer:
    """An offer from its JSON form; what an older document does not name has its default."""
    return Offer(
        **{
            **raw,
            "channels": tuple(raw["channels"]),
            "response": Response(raw["response"]),
            "importance": Importance(raw.get("importance", Importance.PROMOTIONAL)),
            "wording": tuple(Wording(**each) for each in raw.get("wording", ())),
            "follow_ups": tuple(
                FollowUp(**{**each, "unless": tuple(Kind(kind) for kind in each["unless"])})
                for each in raw.get("follow_ups", ())
            ),
        }
    )

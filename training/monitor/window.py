"""The decisions of a stretch of time as the journal has them, as columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.domain import DAY, Instant, Offer, OfferId, Response
from features.vector import FEATURES
from serving.histogram import Floats
from serving.journal import Record

NAMES = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True, slots=True)
class Made:
    """One offer that reached a customer, with what was predicted of it."""

    decision_id: str
    customer_id: str
    offer_id: str
    channel: str
    ends: Instant
    """When its window is over."""
    predicted: float
    """Probability of what counts as taking it."""
    value: float
    """Modelled, minor units."""


@dataclass(frozen=True)
class Window:
    """What was decided; arrays of first choices are ``[n_offered]``."""

    decisions: int
    customers: int
    """Different ones."""
    fallback: Mapping[str, int]
    """Decisions by what they had to do without."""
    fallbacks: int
    reached: int
    """Different customers to whom something was offered."""
    kinds: frozenset[str]
    models: frozenset[str | None]
    X: NDArray[np.float32]
    """What the models saw of the first choices, ``[n_offered, n_features]``."""
    score: Floats
    said: Mapping[str, Floats]
    """Probabilities of first choices by ``kind.part``, of those that have it."""
    channels: frozenset[str]
    offered: frozenset[str]
    """Offers that were made."""
    made: tuple[Made, ...]


def window_of(records: Iterable[Record], offers: Mapping[OfferId, Offer], went_out: frozenset[str]) -> Window:
    """The window of these decisions; ``went_out`` are the contacts that did not stay a reservation."""
    decisions = fallbacks = 0
    customers, reached, kinds, models = set[str](), set[str](), set[str](), set[str | None]()
    channels, offered = set[str](), set[str]()
    fallback: dict[str, int] = {}
    rows, scores, made = list[NDArray[np.float32]](), list[float](), list[Made]()
    said: dict[str, list[float]] = {}
    for record in records:
        answer = json.loads(record.answer)
        decisions += 1
        customers.add(record.customer_id)
        kinds.add(answer["kind"])
        models.add(record.versions["model"])
        fallbacks += bool(answer["fallback"])
        for reason in answer["fallback_reasons"]:
            fallback[reason] = fallback.get(reason, 0) + 1
        items = answer["items"]
        if not items:
            continue
        reached.add(record.customer_id)
        channels |= {item["channel"] for item in items}
        offered |= {item["offer_id"] for item in items}
        scores.append(items[0]["score_minor"])
        if record.names == NAMES:
            rows.append(record.matrix[0])
        for part, probability in (("offer_response", "taken"), ("organic", "organic"), ("channel_response", "noticed")):
            told = items[0]["probabilities"][probability]
            if told is not None and answer["personalised"]:
                said.setdefault(f"{answer['kind']}.{part}", []).append(told)
        made += _made(record, items, offers, went_out)
    return Window(
        decisions,
        len(customers),
        fallback,
        fallbacks,
        len(reached),
        frozenset(kinds),
        frozenset(models),
        np.stack(rows) if rows else np.empty((0, len(NAMES)), np.float32),
        np.array(scores),
        {name: np.array(each) for name, each in said.items()},
        frozenset(channels),
        frozenset(offered),
        tuple(made),
    )


def _made(
    record: Record, items: list[dict[str, object]], offers: Mapping[OfferId, Offer], went_out: frozenset[str]
) -> Iterable[Made]:
    """Offers that need no message of their own, and those whose message went out."""
    for item in items:
        offer = offers.get(OfferId(str(item["offer_id"])))
        contact = item["contact_id"]
        if offer is None or item["alternative"] or (contact is not None and contact not in went_out):
            continue
        chances, value = item["probabilities"], item["incremental_value_minor"]
        assert isinstance(chances, dict)
        noticed = 1.0 if chances["noticed"] is None else chances["noticed"]
        taken = noticed * chances["taken"]
        bought = noticed * chances["bought"] + (1.0 - noticed) * (chances["organic"] or 0.0)
        yield Made(
            record.decision_id,
            record.customer_id,
            str(item["offer_id"]),
            str(item["channel"]),
            Instant(record.at + round(offer.window_days * DAY)),
            taken if offer.response is Response.REDEMPTION else bought,
            value if isinstance(value, float) else 0.0,
        )

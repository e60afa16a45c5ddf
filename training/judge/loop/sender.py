"""A day of a sender who does what the service decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import HOUR, Instant
from features.instant import format_instant
from training.judge.loop.news import News
from training.judge.loop.service import Service
from training.world.contract import KIND, customer_ids, instants
from training.world.diary import NONE
from training.world.market import Contacts, Market
from training.world.parameters import MEDIA
from training.world.people import Floats, Index
from training.world.truth import Truth

SLICE = 6 * HOUR
"""Time in which decisions are asked for before the next news are told."""
AFTER = 1_000_000
"""Microseconds from a decision to its message."""
CHANNELS = {medium.name: place for place, medium in enumerate(MEDIA)}


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """What was done with the customers of a day, ``[n]`` each."""

    offer: Index
    """NONE for silence."""
    channel: Index
    refused: int
    """Messages that the market does not allow: they did not go out."""


@dataclass(slots=True)
class Sender:
    """Asks the service, sends, and reports."""

    market: Market
    service: Service
    news: News
    answers: dict[str, int] = field(default_factory=dict)
    """How many decisions each model made; the empty text stands for none."""

    def day(self, customers: Index, hour: Floats, known: Truth) -> Sent:
        """Decide for these customers at their local hours, slice by slice."""
        at = instants(self.market, customers, 24.0 * self.market.day + hour).cast("int64").to_numpy()
        offer, channel = np.full(len(at), NONE), np.full(len(at), NONE)
        refused = 0
        for start in range(int(at.min()) // SLICE * SLICE, int(at.max()) + 1, SLICE):
            self.told(Instant(start))
            rows = np.flatnonzero((at >= start) & (at < start + SLICE))
            rows = rows[np.argsort(at[rows], kind="stable")]
            if len(rows):
                refused += self._slice(rows, customers, hour, at, known, offer, channel)
        return Sent(offer, channel, refused)

    def told(self, until: Instant) -> None:
        """Let time pass and tell what was learnt meanwhile; who leaves a channel is left alone there."""
        self.service.until(until)
        events = self.news.due(until)
        self.service.events(events)
        for event in events:
            if event["kind"] == "unsubscribed":
                statement = {"purpose": "marketing", "granted": False, "channel": event["channel"], "source": "link"}
                self.service.call("POST", f"/v1/customers/{event['customer_id']}/consents", statement)

    def _slice(
        self, rows: Index, customers: Index, hour: Floats, at: Any, known: Truth, offer: Index, channel: Index
    ) -> int:
        ids = customer_ids(customers[rows]).to_pylist()
        asked = [
            {"customer_id": customer, "kind": KIND, "limit": 1, "at": format_instant(Instant(int(us)))}
            for customer, us in zip(ids, at[rows].tolist(), strict=True)
        ]
        answers = self.service.each("POST", "/v1/decisions", asked)
        for row, answer in zip(rows.tolist(), answers, strict=True):
            version = answer["versions"]["model"] or ""
            self.answers[version] = self.answers.get(version, 0) + 1
            for item in answer["items"][:1]:
                offer[row], channel[row] = int(item["offer_id"][1:]), CHANNELS[item["channel"]]
        said = offer[rows] != NONE
        allowed = np.ones(len(rows), dtype=np.bool_)
        allowed[said] = known.allowed[rows[said], offer[rows[said]], channel[rows[said]]]
        allowed &= self._carried(channel[rows])
        offer[rows[~allowed]], channel[rows[~allowed]] = NONE, NONE
        first = self.market.decisions
        probability = np.full(len(rows), np.nan)
        self.market.act(Contacts(customers[rows], hour[rows], offer[rows], channel[rows], probability))
        sent = []
        for place, (row, answer) in enumerate(zip(rows.tolist(), answers, strict=True)):
            if offer[row] == NONE:
                continue
            item = answer["items"][0]
            self.news.decisions[first + place] = answer["decision_id"]
            sent.append(
                {
                    "source": "sender",
                    "event_id": f"s{first + place}",
                    "customer_id": ids[place],
                    "kind": "sent",
                    "channel": item["channel"],
                    "offer_id": item["offer_id"],
                    "decision_id": answer["decision_id"],
                    "occurred_at": format_instant(Instant(int(at[row]) + AFTER)),
                }
            )
        # Nothing is learnt before it has happened: else a message would count as known when it was decided about.
        last = int(at[rows].max())
        self.service.until(Instant(min(last + 2 * AFTER, (last // SLICE + 1) * SLICE)))
        self.service.events(sent)
        return int((~allowed).sum())

    def _carried(self, channel: Index) -> NDArray[np.bool_]:
        """False for messages that the channel cannot carry any more today."""
        found = np.ones(len(channel), dtype=np.bool_)
        for place, room in enumerate(self.market.left().tolist()):
            found[np.flatnonzero(channel == place)[max(room, 0) :]] = False
        return found

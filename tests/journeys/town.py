"""A small town to tell stories in: one shop on many channels, one customer, and services that share a journal.

Everything goes through the HTTP API, each touchpoint through a worker of its own. ``pytest -s tests/journeys`` prints
the stories: what happened, what was decided, and why.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from features.catalogue import Catalogue
from features.channels import default_channels
from features.clock import SimulatedClock
from features.domain import DAY, HOUR, SECOND, Category, ChannelName, Offer, OfferId
from features.instant import parse_instant
from features.stored import VIEWS
from features.vector import vector_fingerprint
from serving.app import serve
from serving.archive import Archive
from serving.attention import Attention
from serving.crowd import Crowd
from serving.journal import Journal
from serving.linear import Linear
from serving.listing import Listing
from serving.packed_file import PROJECT, create, open_to_write, table_name
from serving.part import Part, PartName
from serving.parts import Parts
from serving.registry import Registry, read_bundle
from serving.store import SqliteReader
from serving.values import SqliteValues
from serving.watch import Watch
from tests.described import as_described

MORNING = parse_instant("2026-03-02T09:00:00Z")
KIND = "tip"
CHANNELS = ("email", "sms", "app", "web", "store", "chat", "call")
FURTHER = ("push", "whatsapp", "social", "search", "broadcast")
"""Channels that only documents of offers use."""
SHELF = {
    "card_top_up": ("top up your card", 340),
    "cake": ("a slice of cake", 320),
    "tea": ("first-flush tea", 300),
    "teaware": ("a glass teapot", 300),
    "cat": ("a scratching post", 300),
    "machines": ("an espresso machine", 300),
}
"""What is offered by category, and what each sale earns, minor units."""


def _offer(category: str, name: str, margin_minor: int) -> Offer:
    where = tuple(ChannelName(channel) for channel in CHANNELS)
    return Offer(
        OfferId(f"tip-{category}"), KIND, Category(category), name, where, margin_minor, 0, buys=Category(category)
    )


CATALOGUE = Catalogue(
    source="town",
    currency="EUR",
    now=MORNING,
    fingerprint="town-1",
    offers=tuple(_offer(category, *about) for category, about in SHELF.items()),
    channels=default_channels(*CHANNELS, *FURTHER),
)


def _part(columns: Mapping[str, float], intercept: float) -> Part:
    """A linear part with one weight per column, on log(1 + x)."""
    flat = np.zeros(len(columns))
    return Part(
        tuple(columns),
        None,
        Linear(flat, flat, np.ones(len(columns)), np.array(list(columns.values())), intercept),
        blend=0.0,
    )


PARTS = {
    # Interest in a category makes its offer likelier to be taken; who has just bought it does not need it now.
    PartName.OFFER_RESPONSE: _part({"category_interest_14d": 1.5, "category_purchases_14d": -9.0}, -3.0),
    PartName.ORGANIC: _part({"category_interest_14d": 0.0}, -6.0),
}


def _promote(folder: Path) -> None:
    """A bundle in the form in which training writes it."""
    bundle = folder / "models" / "town-1"
    bundle.mkdir(parents=True)
    for name, part in PARTS.items():
        part.write(bundle, f"{name}.{KIND}")
    about = {
        "version": "town-1",
        "source": "town",
        "fingerprint": vector_fingerprint(),
        "parts": [{"part": name, "kind": KIND, "file": f"{name}.{KIND}"} for name in PARTS],
    }
    (bundle / "bundle.json").write_text(json.dumps(about))
    (folder / "champion.json").write_text(json.dumps({"version": "town-1", "promoted_at": "", "by": "town"}))


@dataclass
class Town:
    """One journal, one store of features, one clock; as many workers as there are touchpoints."""

    folder: Path
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(MORNING))
    numbers: Any = field(default_factory=lambda: count(1))
    _running: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Town:
        (self.folder / "catalogue.json").write_text(CATALOGUE.to_json())
        _promote(self.folder)
        con = open_to_write(self.folder / "online.db")
        for view in VIEWS:
            create(con, table_name(PROJECT, view.name))
        con.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def touchpoint(self, name: str, channel: str, **parts: Any) -> Touchpoint:
        """A place where the shop meets its customers, served by a worker of its own; ``parts`` replace parts of it."""
        online = self.folder / "online.db"
        reader = SqliteReader(online, 400)
        journal = Journal(f"sqlite:///{self.folder / 'journal.db'}")
        archive = Archive(journal, self.clock)
        watch = Watch(
            Listing(self.folder / "catalogue.json", lambda _: None, archive.remembered),
            Registry(self.folder / "champion.json", self.folder / "models", read_bundle),
            Crowd(reader, self.clock, lambda: 0),
            Attention(1.0, 0.5),
            poll_s=0.05,
            keep=archive.keep,
        )
        watch.refresh()
        app = serve(replace(Parts(self.clock, reader, journal, watch, SqliteValues(online)), **parts))
        client = self._running.enter_context(TestClient(app, raise_server_exceptions=False))
        return Touchpoint(self, name, channel, client)

    def later(self, *, days: float = 0, hours: float = 0) -> None:
        """Time passes."""
        self.clock.advance(round(days * DAY + hours * HOUR))
        self.tell(f"— {days:g} days and {hours:g} hours later —")

    def until(self, moment: str) -> None:
        """Time passes up to an instant, if it lies ahead."""
        self.clock.advance(max(0, parse_instant(moment) - self.clock.now()))

    def tell(self, sentence: str) -> None:
        """One line of the story."""
        now = datetime.fromtimestamp(self.clock.now() / SECOND, UTC)
        print(f"  {now:%a %d %b %H:%M}  {sentence}")


@dataclass(frozen=True)
class Touchpoint:
    """Sends what happens on its channel, and asks what to do there."""

    town: Town
    name: str
    channel: str
    client: TestClient

    def post(self, path: str, body: object) -> Any:
        """The answer to a call that must succeed."""
        answer = self.client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sees(self, kind: str, *names: tuple[str, str], **more: object) -> dict[str, Any]:
        """Reports one event under these names; returns the answer to it."""
        event = {
            "source": self.name,
            "event_id": str(next(self.town.numbers)),
            "identities": [{"namespace": namespace, "value": value} for namespace, value in names],
            "kind": kind,
            "channel": self.channel,
            **more,
        }
        item: dict[str, Any] = self.post("/v1/events", event)["items"][0]
        assert item["status"] == "accepted", item
        about = more.get("category", more.get("offer_id", ""))
        known_as = " and ".join(namespace for namespace, _ in names)
        self.town.tell(f"{self.name}: {kind} {about} (known by {known_as}), so customer {item['customer_id']}")
        for note in item["notes"]:
            self.town.tell(f"    {note}")
        return item

    def put(self, path: str, body: object) -> None:
        """Replaces a document; in force here when this returns."""
        answer = self.client.put(path, json=body, headers={"If-Match": "*"})
        assert answer.status_code in (200, 201), answer.text

    def sends(self, decided: Decided, *names: tuple[str, str], place: int = 0) -> None:
        """Confirms the contact of an item, waits for its moment, and reports the message."""
        item = decided.answer["items"][place]
        self.post(f"/v1/contacts/{item['contact_id']}/confirm", {})
        self.town.until(item["moment"])
        self.sees("sent", *names, contact_id=item["contact_id"], offer_id=item["offer_id"])
        self.town.tell(f"    “{item['wording']['title']}” goes out: {item['wording']['body']}")

    def allows(self, name: tuple[str, str], *purposes: str) -> None:
        """The customer of this name consents."""
        page = self.post("/v1/customers/lookup", {"namespace": name[0], "value": name[1]})
        for purpose in purposes:
            said = {"purpose": purpose, "granted": True, "source": self.name, "proof": "double opt-in"}
            self.post(f"/v1/customers/{page['customer_id']}/consents", said)
            self.town.tell(f"{self.name}: the customer allows {purpose}")

    def decides(self, *names: tuple[str, str], **more: object) -> Decided:
        """Asks what to offer on this channel now; prints the answer with its reasons."""
        started = time.perf_counter()
        body = {
            "identities": [{"namespace": namespace, "value": value} for namespace, value in names],
            "channels": [self.channel],
            "explain": "funnel",
            **more,
        }
        answer = self.post("/v1/decisions", body)
        as_described(answer)
        took_ms = (time.perf_counter() - started) * 1_000
        decided = Decided(answer, self.client.get(f"/v1/decisions/{answer['decision_id']}").json(), took_ms)
        self.town.tell(f"{self.name} asks what to offer ({took_ms:.0f} ms):")
        for item in answer["items"][:3]:
            why = " ".join(item["reasons"])
            where = f"on {item['channel']} at {item['moment'][5:16]}"
            self.town.tell(f"    {item['rank']}. {item['name']} {where}, worth {item['score_minor']:.1f}: {why}")
        if not answer["items"]:
            self.town.tell(f"    nothing: {answer['silence']['reason']}")
        for offer_id, channel, rule, value in decided.removed:
            self.town.tell(f"    removed: {offer_id} on {channel} by {rule} ({value})")
        for left in decided.left_out:
            self.town.tell(f"    left out: {left}, worth less than saying nothing")
        for topic in answer["open_topics"]:
            self.town.tell(f"    open: {topic['sentence']} ({topic['strength']:.0%})")
        return decided


@dataclass(frozen=True)
class Decided:
    """An answer, and what the model saw."""

    answer: dict[str, Any]
    record: dict[str, Any]
    took_ms: float

    @property
    def customer_id(self) -> str:
        return str(self.answer["customer_id"])

    @property
    def first(self) -> str:
        """The offer to make, nothing where silence wins."""
        return self.offers[0] if self.offers else ""

    @property
    def offers(self) -> list[str]:
        return [item["offer_id"] for item in self.answer["items"]]

    @property
    def left_out(self) -> list[str]:
        """Offers that would be worth less than saying nothing."""
        return [pair["offer_id"] for pair in self.answer["funnel"]["below_silence"]]

    @property
    def removed(self) -> list[tuple[str, str, str, str]]:
        """Offer, channel, rule and what decided, of all that a rule of substance removed."""
        formal = ("channel_not_allowed", "channel_not_open", "not_asked_for")
        found = self.answer["funnel"]["removed"]
        return [(r["offer_id"], r["channel"], r["rule"], r["value"]) for r in found if r["rule"] not in formal]

    def why_not(self, offer_id: str) -> str:
        """The rule that removed an offer and what decided; nothing where none did."""
        return next((f"{rule}: {value}" for offer, _, rule, value in self.removed if offer == offer_id), "")

    @property
    def topics(self) -> list[tuple[str, str | None, str]]:
        """What is open: topic, what it is about, on which channel it was last taken up."""
        return [(topic["topic"], topic["about"], topic["channel"]) for topic in self.answer["open_topics"]]

    def score(self, offer_id: str) -> float:
        """What an offer is worth, minor units."""
        return float(next(item["score_minor"] for item in self.answer["items"] if item["offer_id"] == offer_id))

    def reasons(self, offer_id: str) -> str:
        return " ".join(next(item["reasons"] for item in self.answer["items"] if item["offer_id"] == offer_id))

    def saw(self, offer_id: str, feature: str) -> float | None:
        """What the model saw of an offer."""
        found = next(vector for vector in self.record["vectors"] if vector["offer_id"] == offer_id)
        value: float | None = found["features"][feature]
        return value

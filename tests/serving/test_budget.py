"""A budget through the running service: charged when an offer is made, and left again when nobody used it."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from fastapi.testclient import TestClient
from sqlalchemy import select

from features.catalogue import Catalogue
from features.clock import SimulatedClock
from features.domain import DAY, Instant, OfferId
from serving.journal import Journal
from serving.journal.schema import COUNTERS
from serving.score import Model
from serving.sweep import Sweep

BUDGET = {"budgets": [{"name": "teas", "about": {"offer": "promo-tea"}, "most_minor": 1_000}]}
ASK = {"kind": "promotion", "offer_id": "promo-tea", "channels": ["app"]}


def test_what_nobody_used_of_a_budget_can_be_offered_to_others(
    client: Callable[..., TestClient], model: Callable[..., Model], place: Path, shop: Catalogue, now: Instant
) -> None:
    (place / "policy.json").write_text(json.dumps(BUDGET))
    clock = SimulatedClock(now)
    service = client(clock=clock, load=lambda _: model({"promo-tea": 0.9}))
    visit = {"event_id": "1", "customer_id": "ann", "kind": "visited", "channel": "app"}
    assert service.post("/v1/events", json=visit).json()["accepted"] == 1
    assert service.post("/v1/decisions", json=ASK | {"customer_id": "ann"}).json()["items"]
    with closing(Journal(f"sqlite:///{place / 'journal.db'}")) as journal:

        def charged() -> float:
            Sweep(journal, clock).once()
            with journal.reading() as connection:
                return float(connection.execute(select(COUNTERS.c.taken)).scalar_one())

        before = charged()
        clock.advance(60 * DAY)
        assert before - charged() == shop.offer[OfferId("promo-tea")].incentive_minor > 0

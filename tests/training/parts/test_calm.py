"""Moments before anybody was contacted, from a folder where it is plain what was bought when."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import Catalogue
from features.domain import DAY, Category, Instant, Offer, OfferId
from training.parts.calm import LEAST_DAYS, WARM_UP_DAYS, calm

CUSTOMERS = [f"c{number}" for number in range(40)]
FIRST_MESSAGE, BOUGHT = 30 * DAY, 20 * DAY
INSTANT = pa.timestamp("us", tz="UTC")
WINDOWS = {"short": 7.0, "long": 60.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    events = [(customer, "visited", 0) for customer in CUSTOMERS]
    events += [(customer, "purchased", BOUGHT) for customer in CUSTOMERS]
    events += [(CUSTOMERS[0], "sent", FIRST_MESSAGE)]
    customer, kind, at = (list(each) for each in zip(*events, strict=True))
    table = {"customer_id": customer, "kind": kind, "category": pa.array(["wine"] * len(at))}
    times = {name: pa.array(at, INSTANT) for name in ("occurred_at", "received_at")}
    offers = {"offer_id": list(WINDOWS), "kind": ["k"] * 2, "buys": ["wine"] * 2, "window_days": list(WINDOWS.values())}
    pq.write_table(pa.table(table | times), tmp_path / "events.parquet")
    pq.write_table(pa.table(offers), tmp_path / "offers.parquet")
    pq.write_table(pa.table({"customer_id": CUSTOMERS}), tmp_path / "customers.parquet")
    return tmp_path


def catalogue() -> Catalogue:
    return Catalogue("files", "EUR", Instant(FIRST_MESSAGE), "f", tuple(map(_offer, WINDOWS)), ())


def _offer(name: str) -> Offer:
    return Offer(OfferId(name), "k", Category("wine"), name, (), margin_minor=1_000, incentive_minor=0)


def test_windows_longer_than_the_history_are_known_as_far_as_they_came(folder: Path) -> None:
    found = calm(folder, catalogue(), Instant(FIRST_MESSAGE + 5 * DAY), "k", each=4, seed=1)
    decided, days = found["decided_us"].to_numpy(), found["days"].to_numpy()
    window = np.array([WINDOWS[offer] for offer in found["offer_id"].to_pylist()])
    assert (decided >= WARM_UP_DAYS * DAY).all()
    assert (days >= LEAST_DAYS).all()
    assert days == pytest.approx(np.minimum(window, (FIRST_MESSAGE - decided) / DAY))
    assert (days[window == 60.0] < 60.0).all()
    assert len(days[window == 60.0]) > 50


def test_what_was_bought_within_these_days_is_known_and_nothing_after_them(folder: Path) -> None:
    found = calm(folder, catalogue(), Instant(FIRST_MESSAGE + 5 * DAY), "k", each=4, seed=1)
    decided, days = found["decided_us"].to_numpy(), found["days"].to_numpy()
    bought = found["bought"].to_numpy(zero_copy_only=False)
    assert (bought == ((decided < BOUGHT) & (decided + days * DAY >= BOUGHT))).all()
    assert 0 < bought.sum() < len(bought)

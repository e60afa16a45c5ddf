"""What arms earned beyond silence, told from contacts of any age."""

import numpy as np
import pytest

from features.catalogue import Catalogue
from features.domain import Category, Channel, ChannelName, Direction, Instant, Offer, OfferId
from training.parts.delay import BINS
from training.parts.experience import Contacts
from training.parts.increment import Anyway, by_arm

N = 40_000
MARGIN = 1_000.0


def catalogue() -> Catalogue:
    offers = tuple(
        Offer(
            OfferId(name),
            "campaign",
            Category(name),
            name,
            (ChannelName("email"),),
            margin_minor=1_000,
            incentive_minor=0,
            buys=Category(name),
        )
        for name in ("loved", "new")
    )
    channels = (Channel(ChannelName("email"), Direction.OUTBOUND, addressable=True, cost_minor=1.0),)
    return Catalogue("files", "EUR", Instant(0), "f", offers, channels)


def test_arms_are_worth_what_they_bring_about_and_not_what_is_bought_anyway() -> None:
    rng = np.random.default_rng(3)
    offer = rng.integers(0, 2, N)
    organic, persuaded = np.array([0.4, 0.05])[offer], rng.random(N) < np.array([0.01, 0.06])[offer]
    age = rng.uniform(0.3, 1.0, N)
    alone = rng.random(N) < organic
    delay = np.where(persuaded, rng.random(N), np.where(alone, rng.random(N), np.nan))
    flags = {name: np.zeros(N, bool) for name in ("clicked", "left", "complained")} | {"noticed": np.ones(N, bool)}
    contacts = Contacts(
        X=np.zeros((N, 1), np.float32),
        decision=np.arange(N),
        decided_us=np.arange(N),
        customer=np.arange(N),
        offer=offer,
        channel=np.zeros(N, np.intp),
        probability=np.full(N, 0.5),
        delay=np.where(delay <= age, delay, np.nan),
        age=age,
        bought_us=delay,
        **flags,
    )
    found = {
        arm["offer_id"]: arm["value_minor"]
        for arm in by_arm(contacts, Anyway(organic * age, organic), np.linspace(1.0, 0.0, BINS + 1), catalogue())
    }
    assert found["loved"] == pytest.approx(0.6 * 0.01 * MARGIN - 1.0, abs=25)
    assert found["new"] == pytest.approx(0.95 * 0.06 * MARGIN - 1.0, abs=12)
    assert found["new"] > found["loved"]


def test_of_an_arm_with_few_contacts_nothing_is_said() -> None:
    few = 20
    flags = {name: np.zeros(few, bool) for name in ("clicked", "left", "complained", "noticed")}
    contacts = Contacts(
        X=np.zeros((few, 1), np.float32),
        decision=np.arange(few),
        decided_us=np.arange(few),
        customer=np.arange(few),
        offer=np.zeros(few, np.intp),
        channel=np.zeros(few, np.intp),
        probability=np.full(few, 0.5),
        delay=np.full(few, np.nan),
        age=np.ones(few),
        bought_us=np.full(few, np.nan),
        **flags,
    )
    assert (
        by_arm(contacts, Anyway(np.full(few, 0.1), np.full(few, 0.1)), np.linspace(1.0, 0.0, BINS + 1), catalogue())
        == []
    )

"""Which contacts are held back for judging, and what would have been bought by now."""

from typing import Any

import numpy as np
import pytest

from features.domain import DAY, Instant
from training.parts.experience import Contacts
from training.parts.lesson import FEWEST, cut_within

N = 4 * FEWEST


def contacts(decided_us: np.ndarray, days: float = 1.0) -> Contacts:
    """Contacts that were all noticed; every tenth bought after so many days."""
    n = len(decided_us)
    flags: dict[str, Any] = {name: np.zeros(n, bool) for name in ("clicked", "left", "complained")}
    flags |= {"noticed": np.ones(n, bool)}
    bought = np.arange(n) % 10 == 0
    places: dict[str, Any] = {name: np.zeros(n, np.intp) for name in ("offer", "channel")}
    shares: dict[str, Any] = {"delay": np.where(bought, 0.1, np.nan), "age": np.ones(n), "probability": np.ones(n)}
    shares |= {"bought_us": np.where(bought, decided_us + days * DAY, np.nan)}
    ids: dict[str, Any] = {"decision": np.arange(n), "customer": np.arange(n)}
    return Contacts(X=np.zeros((n, 1), np.float32), decided_us=decided_us, **ids, **flags, **places, **shares)


def test_contacts_are_held_back_among_those_that_are_old_enough() -> None:
    # Most contacts are of the last days: a cut by all of them would leave nothing to be judged.
    early, late = np.linspace(0, 10 * DAY, N // 4), np.linspace(10 * DAY, 20 * DAY, 3 * N // 4)
    at = np.concatenate([early, late]).astype(np.int64)
    cut = cut_within(contacts(at), Instant(10 * DAY))
    assert cut is not None
    judged = ((at >= cut) & (at <= 10 * DAY)).sum()
    assert judged / (at <= 10 * DAY).sum() == pytest.approx(0.3, abs=0.01)


def test_fewer_are_held_back_where_little_had_been_bought_by_then() -> None:
    at = np.linspace(0, 10 * DAY, N).astype(np.int64)
    usual, later = cut_within(contacts(at), Instant(10 * DAY)), cut_within(contacts(at, 7.5), Instant(10 * DAY))
    assert usual is not None
    assert later is not None
    assert 7.0 * DAY <= usual < later < 9.0 * DAY


def test_where_few_are_old_enough_there_is_no_cut() -> None:
    at = np.linspace(10 * DAY, 20 * DAY, N).astype(np.int64)
    assert cut_within(contacts(at), Instant(10 * DAY)) is None

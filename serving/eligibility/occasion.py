"""What the request asks for, and when the offers are valid."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from features.domain import Instant
from features.instant import format_instant
from serving.eligibility.objection import Objection, about
from serving.eligibility.shelf import Shelf
from serving.eligibility.situation import Situation


def other_kind(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs of another kind than the one asked for; none where no kind is."""
    if situation.kind is None:
        return None
    unknown = situation.kind not in shelf.others
    others = np.ones(len(shelf.pairs), dtype=np.bool_) if unknown else shelf.others[situation.kind]
    return None if others is None else about(others, lambda place: shelf.pairs[place].offer.kind)


def not_asked_for(shelf: Shelf, situation: Situation) -> Objection | None:
    """Where one offer is asked for, all others; where nothing is, messages that only go out when asked for."""
    wanted = situation.offer_id
    if wanted is not None:
        others = np.ones(len(shelf.pairs), dtype=np.bool_)
        others[shelf.places.get(wanted, [])] = False
        return about(others, lambda _: f"only {wanted} is asked for")
    if situation.asked:
        return None
    return about(~shelf.promotional, lambda place: f"{shelf.pairs[place].offer.importance}: name its kind or offer_id")


def not_yet_valid(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs of offers that begin later."""
    if shelf.begun <= situation.at:
        return None
    return about(shelf.valid_from > situation.at, lambda place: _bound("from", int(shelf.valid_from[place])))


def no_longer_valid(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs of offers that have ended."""
    if shelf.ending >= situation.at:
        return None
    return about(shelf.valid_to < situation.at, lambda place: _bound("to", int(shelf.valid_to[place])))


@lru_cache(maxsize=4_096)
def _bound(word: str, instant: int) -> str:
    """The same few bounds remove hundreds of pairs in every request."""
    return f"valid {word} {format_instant(Instant(instant))}"

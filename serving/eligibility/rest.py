"""Offers, categories or channels that rest because the customer ignored, declined or complained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from features.domain import DAY, Instant, Kind, Offer, OfferId
from features.instant import format_instant
from features.schema import BY_CATEGORY, BY_OFFER, CUSTOMER, Section
from features.state import NEVER, State
from serving.eligibility.objection import Objection, about
from serving.eligibility.past import Happening, category_of, happenings
from serving.eligibility.shelf import Flags, Shelf
from serving.eligibility.situation import Situation
from serving.ledger.counting import EVERYTHING
from serving.pairs import memory_of
from serving.policy.policy import After, Per, Rest

KINDS = {
    After.DECLINED: frozenset({Kind.DISMISSED}),
    After.NEGATIVE: frozenset({Kind.COMPLAINED, Kind.UNSUBSCRIBED, Kind.RETURNED}),
    After.IGNORED: frozenset({Kind.SENT, Kind.VIEWED, Kind.CLICKED, Kind.PURCHASED, Kind.REDEEMED}),
}
"""What has to be known to tell whether something rests."""


def resting(shelf: Shelf, situation: Situation) -> Objection | None:
    """Promotions of what rests, on every channel unless the rest is of a channel."""
    found: list[tuple[Rest, Flags, Instant, Instant]] = []
    for rest in shelf.rests:
        times: dict[str, list[Instant]] = defaultdict(list)
        for happening in _occasions(shelf, situation, rest):
            for subject in _subjects(shelf, rest.per, happening):
                times[subject].append(happening.at)
        for subject, instants in times.items():
            last = last_of_enough(rest, instants)
            pairs = shelf.subjects[rest.per].pairs(subject)
            if pairs is not None and last is not None and situation.at < last + round(rest.rest_days * DAY):
                found.append((rest, pairs & shelf.promotional, last, Instant(last + round(rest.rest_days * DAY))))
    if not found:
        return None

    def why(place: int) -> str:
        rest, _, last, until = max((each for each in found if each[1][place]), key=lambda each: each[3])
        times = "" if rest.times == 1 else f" {rest.times} times, last"
        return f"{rest.name}: {rest.after}{times} {format_instant(last)}, rests until {format_instant(until)}"

    return about(np.logical_or.reduce([pairs for _, pairs, _, _ in found]), why)


def last_of_enough(rest: Rest, instants: Iterable[Instant]) -> Instant | None:
    """The latest instant that was the ``times``-th within the days; None where there were never enough."""
    told, length = sorted(instants), round(rest.within_days * DAY)
    enough = [told[n] for n in range(rest.times - 1, len(told)) if told[n] - told[n - rest.times + 1] <= length]
    return max(enough, default=None)


def _subjects(shelf: Shelf, per: Per, happening: Happening) -> tuple[str, ...]:
    """What the rest of a happening is about; nothing where that is not known."""
    offer = None if happening.offer_id is None else shelf.catalogue.offer.get(happening.offer_id)
    subject = {
        Per.ALL: EVERYTHING,
        Per.CHANNEL: happening.channel,
        Per.OFFER: happening.offer_id,
        Per.CATEGORY: category_of(shelf, happening),
        Per.PURPOSE: None if offer is None else offer.purpose,
    }[per]
    return () if subject is None else (subject,)


def _occasions(shelf: Shelf, situation: Situation, rest: Rest) -> Iterator[Happening]:
    if rest.after is After.IGNORED:
        return _ignored(shelf, situation)
    if situation.known.events is None:
        return _turned_down(situation.known.activity)
    return happenings(situation, KINDS[rest.after])


def _ignored(shelf: Shelf, situation: Situation) -> Iterator[Happening]:
    """Messages whose window passed without an answer, at its end."""
    if situation.known.events is None:
        yield from _ignored_last(shelf, situation)
    told = list(happenings(situation, KINDS[After.IGNORED]))
    for sent in told:
        offer = None if sent.offer_id is None else shelf.catalogue.offer.get(sent.offer_id)
        if sent.kind is not Kind.SENT or offer is None:
            continue
        ends = sent.at + round(offer.window_days * DAY)
        answers = (each for each in told if sent.at <= each.at <= ends and _answers(each, sent, offer))
        if ends <= situation.at and next(answers, None) is None:
            yield Happening(Kind.SENT, Instant(ends), sent.offer_id, sent.category, sent.channel)


def _answers(happening: Happening, sent: Happening, offer: Offer) -> bool:
    """True where it shows that the message did not go unnoticed; of a look that names no offer, the channel tells."""
    if happening.kind is Kind.SENT:
        return False
    if happening.offer_id is not None:
        return happening.offer_id == offer.offer_id
    if happening.kind is Kind.PURCHASED:
        return offer.buys in (None, happening.category)
    return happening.channel == sent.channel


def _ignored_last(shelf: Shelf, situation: Situation) -> Iterator[Happening]:
    """What the state alone can tell: of each offer, whether the last message was ignored."""
    state = situation.known.activity
    if state is None:
        return
    noticed, redeemed = _latest(state, BY_OFFER, "latest_noticed"), _latest(state, BY_OFFER, "latest_redemptions")
    bought, ever = _latest(state, BY_CATEGORY, "latest_purchases"), _latest(state, CUSTOMER, "latest_purchases")
    for offer_id, sent in _latest(state, BY_OFFER, "latest_contacts").items():
        offer = next((o for o in shelf.offers if o.offer_id == offer_id), None)
        if offer is None:
            continue
        purchase = max(ever.values(), default=NEVER) if offer.buys is None else bought.get(offer.buys, NEVER)
        answered = max(noticed.get(offer_id, NEVER), redeemed.get(offer_id, NEVER), purchase)
        ends = sent + round(offer.window_days * DAY)
        if ends <= situation.at and answered < sent:
            yield Happening(Kind.SENT, Instant(ends), offer.offer_id, offer.category, None)


def _turned_down(state: State | None) -> Iterator[Happening]:
    """What the state alone can tell: when each offer was last turned down, in whatever way."""
    if state is not None:
        for key, instant in _latest(state, BY_OFFER, "latest_negatives").items():
            yield Happening(Kind.DISMISSED, instant, OfferId(key), None, None)


def _latest(state: State, section: Section, name: str) -> dict[str, Instant]:
    memory = memory_of(state, section)
    place = [extreme.name for extreme in section.extremes].index(name)
    found = zip(memory.keys, memory.instants[:, place].tolist(), strict=True)
    return {key: Instant(instant) for key, instant in found if instant != NEVER}

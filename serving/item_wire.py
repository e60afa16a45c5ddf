"""The offers of a decision as they go over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import isnan, nan

import numpy as np

from features.domain import Instant
from features.instant import format_instant
from serving import item_api
from serving.blanks import EVIDENCE_DIGITS, IMPORTANCE, MONEY_DIGITS, PROBABILITY_DIGITS
from serving.contributions import Explained, contributions, log_odds
from serving.decision import Decision
from serving.equipment import Equipment
from serving.ledger.contact import ContactId
from serving.menu import Item
from serving.money import interrupts
from serving.pairs import Pair
from serving.part import PartName
from serving.ranking import Scored
from serving.wording import Reader, say

MOST_EXPLAINED = 10
"""Items whose predictions are taken apart."""


def items(
    decision: Decision,
    reserved: bool,
    currency: str,
    reader: Reader,
    apart: Sequence[list[item_api.Prediction]],
) -> list[item_api.Item]:
    """Everything that is offered; ``apart`` are the predictions of the first few."""
    expires = {each.contact_id: format_instant(each.expires_at) for each in decision.grant.contacts if reserved}
    told = zip_longest(decision.items, _figures(decision.items), apart)
    return [
        _item(rank, item, figures, decision.by_popularity, expires, _said(item.scored.pair, currency, reader), taken)
        for rank, (item, figures, taken) in enumerate(told, start=1)
    ]


def _item(
    rank: int,
    item: Item,
    figures: Sequence[float],
    by_popularity: bool,
    expires: Mapping[ContactId, str],
    wording: item_api.Said,
    taken_apart: list[item_api.Prediction] | None,
) -> item_api.Item:
    """``expires`` tells until when the messages are reserved."""
    scored, contact_id = item.scored, item.contact_id
    offer, channel = scored.pair.offer, scored.pair.channel
    until = None if contact_id is None else expires.get(contact_id)
    score, value, *components, noticed, taken, bought, organic, contacts, similar = figures
    return item_api.Item(
        rank,
        offer.offer_id,
        offer.name,
        offer.category,
        channel.name,
        IMPORTANCE[offer.importance],
        format_instant(scored.moment),
        None if until is None else contact_id,
        until,
        contact_id is None and interrupts(scored.pair),
        item.probability,
        score,
        None if scored.organic is None or by_popularity else value,
        item_api.Components(*components),
        item_api.Probabilities(_known(noticed), taken, bought, _known(organic)),
        item_api.Evidence(contacts, similar),
        list(item.reasons),
        wording,
        taken_apart,
    )


_DIGITS = np.array([MONEY_DIGITS] * 10 + [PROBABILITY_DIGITS] * 4 + [EVIDENCE_DIGITS] * 2)
_SCALE = 10.0**_DIGITS


def _figures(items: Sequence[Item]) -> list[list[float]]:
    """Of each item score, value, components, probabilities and evidence, rounded all at once; NaN where unknown.

    ``round`` takes half a microsecond a number, and an answer has some hundred and sixty.
    """
    if not items:
        return []
    flat: list[float] = []
    for scored, _, _, contacts, similar, _ in items:
        _, _, _, score, value, noticed, taken, bought, organic, components = scored
        flat += (score, value, *components, nan if noticed is None else noticed, taken, bought)
        flat += (nan if organic is None else organic, contacts, similar)
    exact = np.array(flat).reshape(len(items), len(_SCALE))
    found: list[list[float]] = (np.rint(exact * _SCALE) / _SCALE + 0.0).tolist()  # no -0.0
    return found


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _said(pair: Pair, currency: str, reader: Reader) -> item_api.Said:
    said = say(pair.offer, pair.channel.name, currency, reader)
    return item_api.Said(said.title, said.body, said.price, said.terms)


def predictions(decision: Decision, equipment: Equipment) -> list[list[item_api.Prediction]]:
    """Of the first items; nothing where no model decided, or where the typical of all customers stood in for one."""
    model, items = equipment.model, decision.items[:MOST_EXPLAINED]
    if model is None or decision.by_popularity or decision.cold_start:
        return []
    rows = [item.scored.row for item in items]
    pairs = [item.scored.pair for item in items]
    taken_apart = contributions(model, decision.kind, pairs, decision.vectors.matrix[rows])
    return [
        [_prediction(each, item.scored, decision.ask.at) for each in row]
        for item, row in zip(items, taken_apart, strict=True)
    ]


def _prediction(found: Explained, scored: Scored, at: Instant) -> item_api.Prediction:
    moment = 0.0
    if found.part is PartName.CHANNEL_RESPONSE and scored.noticed is not None and scored.moment != at:
        moment = log_odds(scored.noticed) - found.calibrated
    return item_api.Prediction(
        part=found.part.value,
        log_odds=found.calibrated + moment,
        moment=moment,
        raw=found.raw,
        weight_of_trees=found.weight_of_trees,
        slope=found.slope,
        mean_of_trees=found.mean_of_trees,
        intercept_of_linear=found.intercept_of_linear,
        intercept_of_calibration=found.intercept_of_calibration,
        experience=found.experience,
        features=[
            item_api.FeatureTerm(
                feature=each.feature,
                value=None if isnan(each.value) else each.value,
                trees=each.trees,
                linear=each.linear,
            )
            for each in found.added
        ],
    )

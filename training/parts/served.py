"""The learnt parts in the form that the service reads: data, not objects of a trainer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from serving.booster import Booster
from serving.grouped import Grouped
from serving.grouped_part import GroupedPart
from serving.model import linked
from serving.part import Part, PartName
from serving.sheet import Sheet
from serving.typical import OfferPair, Typical
from training.parts.blend import Blend
from training.parts.experience import Contacts, Experience
from training.parts.parts import Parts
from training.parts.persuasion import LEAST, MOST, ROUNDS, Persuasion
from training.popularity import popularity
from training.value.hierarchy import Hierarchy
from training.value.trial import Floats, Index


def served(parts: Parts, known: Experience, kind: str) -> Mapping[tuple[PartName, str], Part | GroupedPart]:
    """The parts for offers of a kind; what is typical of strangers comes from what is known."""
    columns, contacts, quiet = parts.columns, known.contacts, known.quiet
    seen = contacts.where(contacts.noticed)
    said = parts.say(seen.X, seen.offer, seen.channel)
    found: dict[tuple[PartName, str], Part | GroupedPart] = {
        (PartName.CHANNEL_RESPONSE, kind): _blended(
            parts.noticing, columns.noticing_sheet, _typical(known, contacts, contacts.noticed.astype(np.float64))
        ),
        (PartName.ORGANIC, kind): _blended(
            parts.buying,
            columns.buying_sheet,
            popularity(_pairs(known, quiet.offer, None), quiet.bought, np.ones(len(quiet.offer))),
        ),
        (PartName.PERSUASION, kind): _persuasion(
            parts.persuading, columns.persuading_sheet, _typical(known, seen, said.persuaded)
        ),
    }
    return linked(found)


def _blended(blend: Blend, sheet: Sheet, typical: Typical) -> GroupedPart:
    trees = _text(blend.trees, blend.rounds) if blend.weight > 0 else None
    linear = _linear(blend.linear)
    return GroupedPart(sheet, trees, linear, blend.weight, blend.slope, blend.intercept, dict(blend.shift), typical)


def _persuasion(found: Persuasion, sheet: Sheet, typical: Typical) -> GroupedPart:
    trees = _text(found.trees, ROUNDS) if found.weight > 0 else None
    line = (found.slope, found.intercept)
    return GroupedPart(sheet, trees, _linear(found.linear), found.weight, *line, typical=typical, bounds=(LEAST, MOST))


def _linear(found: Hierarchy) -> Grouped:
    frame = found.frame
    return Grouped(frame.impute, frame.mean, frame.scale, found.slopes, found.levels)


def _text(trees: object, rounds: int) -> Booster:
    return Booster(trees.model_to_string(num_iteration=rounds))  # type: ignore[attr-defined]


def _typical(known: Experience, contacts: Contacts, share: Floats) -> Typical:
    return popularity(_pairs(known, contacts.offer, contacts.channel), share, np.ones(len(share)))


def _pairs(known: Experience, offer: Index, channel: Index | None) -> list[OfferPair]:
    offers, channels = known.catalogue.offers, known.catalogue.channels
    where = [""] * len(offer) if channel is None else [str(channels[c].name) for c in channel.tolist()]
    return [
        (str(offers[o].offer_id), str(offers[o].category), name) for o, name in zip(offer.tolist(), where, strict=True)
    ]

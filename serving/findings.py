"""What exactly a decision found, as it is kept: numbers without rounding, so that a replay can be held against it."""

from __future__ import annotations

from functools import cache
from math import isfinite, isnan
from typing import Any

import msgspec
import numpy as np

from features.domain import Instant
from features.instant import parse_instant
from serving.decision import Decision
from serving.eligibility import RULES
from serving.kernels.menu import WIDTH
from serving.menu import Item
from serving.ranking import Components


class Chosen(msgspec.Struct, frozen=True, array_like=True):
    """One item; amounts in minor units, None where a number is not known."""

    offer_id: str
    channel: str
    moment: Instant
    contact_id: str | None
    probability: float
    score: float
    value: float
    noticed: float | None
    taken: float
    bought: float
    organic: float | None
    amounts: tuple[float, ...]
    """Of each of ``components``."""
    reasons: tuple[str, ...]


class Findings(msgspec.Struct, frozen=True, array_like=True):
    """The choice, why, and how everything else fared. The order of its fields is that in which it is kept."""

    kind: str
    by_popularity: bool
    group: str
    gamma: float | None
    """None where the best was simply taken."""
    items: tuple[Chosen, ...]
    silence: str
    """Why nothing was said, or not."""
    ended: float | None
    """Probability of nothing more."""
    preferred: str | None
    declared: bool
    shortfalls: tuple[str, ...]
    rules: tuple[str, ...]
    """Names of the rules that ``removed`` counts."""
    removed: bytes
    """uint8 ``[n_pairs]``: which rule removed each pair; 255 where none did."""
    scores: bytes
    """float64, little-endian, of the eligible pairs in the catalogue's order."""
    components: tuple[str, ...]
    """Names of what the score of an item adds up from."""


def findings_of(decision: Decision) -> Findings:
    """What this decision found."""
    gamma = decision.draw.gamma
    return Findings(
        decision.kind,
        decision.by_popularity,
        decision.draw.group.value,
        gamma if gamma is not None and isfinite(gamma) else None,
        tuple(_chosen(item) for item in decision.items),
        decision.silence.reason,
        decision.silence.probability,
        decision.preferred_channel,
        decision.declared,
        tuple(shortfall.lack.value for shortfall in decision.shortfalls),
        _rules(),
        decision.funnel.removed.numbers.astype(np.uint8).tobytes(),
        decision.funnel.scores.astype("<f8").tobytes(),
        Components._fields,
    )


@cache
def _rules() -> tuple[str, ...]:
    return tuple(rule.name for rule in RULES)


def _chosen(item: Item) -> Chosen:
    scored = item.scored
    return Chosen(
        scored.pair.offer.offer_id,
        scored.pair.channel.name,
        scored.moment,
        item.contact_id,
        item.probability,
        scored.score,
        scored.value,
        scored.noticed,
        scored.taken,
        scored.bought,
        scored.organic,
        tuple(scored.components),
        item.reasons,
    )


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """What the answer does not tell. The order of its fields is that in which they stand."""

    gamma: float | None
    numbers: bytes
    """float64, little-endian: see ``Menu.numbers``."""
    removed: bytes
    scores: bytes
    names: msgspec.Raw
    """Of rules and components."""


def to_bytes(decision: Decision) -> bytes:
    """What is kept of the findings, beside the answer."""
    gamma, funnel = decision.draw.gamma, decision.funnel
    kept = (
        gamma if gamma is not None and isfinite(gamma) else None,
        decision.menu.numbers.astype("<f8", copy=False).tobytes(),
        funnel.removed.numbers.astype(np.uint8, copy=False).tobytes(),
        funnel.scores.astype("<f8", copy=False).tobytes(),
        _names(),
    )
    return _WRITE.encode(kept)


@cache
def _names() -> msgspec.Raw:
    return msgspec.Raw(_WRITE.encode((_rules(), Components._fields)))


def from_bytes(kept: bytes, answer: str) -> Findings:
    """The findings in what ``to_bytes`` wrote and the answer, or in what an older build kept.

    Raises:
        ValueError: They are no findings.
    """
    if kept.startswith(b"{"):
        return _older(kept)
    if not kept.startswith(_SHORT):
        return _READ.decode(kept)
    found, said = _READ_SHORT.decode(kept), _READ_SAID.decode(answer)
    rules, components = _READ_NAMES.decode(found.names)
    rows = np.frombuffer(found.numbers, dtype="<f8").reshape(-1, len(components) + _BESIDE).tolist()
    return Findings(
        said.kind,
        not said.personalised,
        said.group,
        found.gamma,
        tuple(_said(item, row) for item, row in zip(said.items, rows, strict=True)),
        said.silence.reason,
        said.silence.probability,
        said.preferred_channel,
        said.preference_declared,
        said.fallback_reasons,
        rules,
        found.removed,
        found.scores,
        components,
    )


class _SaidItem(msgspec.Struct):
    """What an answer tells exactly of an item."""

    offer_id: str
    channel: str
    moment: str
    contact_id: str | None
    probability: float
    reasons: tuple[str, ...]


class _SaidSilence(msgspec.Struct):
    reason: str
    probability: float | None


class _Said(msgspec.Struct):
    """What an answer tells exactly."""

    kind: str
    items: tuple[_SaidItem, ...]
    silence: _SaidSilence
    preferred_channel: str | None
    preference_declared: bool
    group: str
    personalised: bool
    fallback_reasons: tuple[str, ...]


_BESIDE = WIDTH - len(Components._fields)
"""Numbers of an item beside its components: two before and six behind."""


def _said(item: _SaidItem, numbers: list[float]) -> Chosen:
    score, value, *amounts = numbers[:-6]
    noticed, taken, bought, organic, _, _ = numbers[-6:]
    return Chosen(
        item.offer_id,
        item.channel,
        parse_instant(item.moment),
        item.contact_id,
        item.probability,
        score,
        value,
        None if isnan(noticed) else noticed,
        taken,
        bought,
        None if isnan(organic) else organic,
        tuple(amounts),
        item.reasons,
    )


def _older(kept: bytes) -> Findings:
    """What was written as JSON, by name."""
    told: dict[str, Any] = msgspec.json.decode(kept)
    try:
        items = [{**item, "amounts": list(item["components"].values())} for item in told["items"]]
        told["components"] = list(told["items"][0]["components"]) if items else []
        told["items"] = [[item[name] for name in Chosen.__struct_fields__] for item in items]
        listed = [told[name] for name in Findings.__struct_fields__]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"these are no findings: {error!r}") from error
    return msgspec.json.decode(msgspec.json.encode(listed), type=Findings)


_WRITE = msgspec.msgpack.Encoder()
_READ = msgspec.msgpack.Decoder(Findings)
"""What an older build kept, which told again what the answer tells."""
_SHORT = b"\x95"
"""How a list of five begins."""
_READ_SHORT, _READ_SAID = msgspec.msgpack.Decoder(_Kept), msgspec.json.Decoder(_Said)
_READ_NAMES = msgspec.msgpack.Decoder(tuple[tuple[str, ...], tuple[str, ...]])

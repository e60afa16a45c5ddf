"""A decision's answer in words that a person understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.money import money

Answer = Mapping[str, Any]
"""The JSON of ``POST /v1/decisions``."""

SHOWN = 3
"""Offers told in full."""


def in_words(answer: Answer) -> str:
    """The answer as a paragraph per offer, then silence, channels, what was left out, and what to keep in mind."""
    return "\n".join(_lines(answer))


def _lines(answer: Answer) -> Iterator[str]:
    yield f"Customer {answer['customer_id']}: the next best {answer['kind']}, as of {answer['decided_at']}"
    for item in answer["items"][:SHOWN]:
        yield from _item(item, answer["currency"])
    if len(answer["items"]) > SHOWN:
        yield f"     and {len(answer['items']) - SHOWN} more worth a contact"
    silence = answer["silence"]
    yield f"  {'→ ' if silence['wins'] else ''}Silence scores {_money(silence, answer)}: {silence['reason']}"
    yield f"  Channels: {', '.join(_channel(each, answer) for each in answer['channels']) or 'none'}"
    for rule in _removals(answer):
        yield f"  Left out, {rule['pairs']} × {rule['rule']}: {rule['meaning']}"
    yield from (f"  Mind: {warning}" for warning in _warnings(answer))


def _removals(answer: Answer) -> list[Mapping[str, Any]]:
    """Without offers of other kinds, which nobody has asked for."""
    return [rule for rule in answer["removed"] if rule["rule"] != "kind"]


def _item(item: Mapping[str, Any], currency: str) -> Iterator[str]:
    odds, parts = item["probabilities"], item["components"]
    yield f"  {item['rank']}. {item['name']}, by {item['channel']}"
    yield f"     worth {_worth(item, currency)}: {', '.join(_parts(parts, currency))}"
    yield f"     noticed {_chance(odds['noticed'])}, taken {_chance(odds['taken'])}, {_anyway(odds)}"
    yield from (f"     {reason}" for reason in item["reasons"])


def _worth(item: Mapping[str, Any], currency: str) -> str:
    value = item["incremental_value_minor"]
    if value is None:
        return f"{money(item['score_minor'], currency)} by popularity, what is bought anyway included"
    unless = "" if item["probabilities"]["organic"] is not None else ", if none of it would be bought anyway"
    return f"{money(value, currency)} more than silence{unless}"


def _parts(parts: Mapping[str, float], currency: str) -> Iterator[str]:
    for name, minor in parts.items():
        if minor:
            yield f"{name.removesuffix('_minor').replace('_', ' ')} {money(minor, currency)}"


def _chance(probability: float | None) -> str:
    return "unknown" if probability is None else f"{probability:.1%}"


def _anyway(odds: Mapping[str, float | None]) -> str:
    return f"bought {_chance(odds['bought'])}, bought anyway {_chance(odds['organic'])}"


def _money(scored: Mapping[str, Any], answer: Answer) -> str:
    return money(scored["score_minor"], answer["currency"])


def _channel(channel: Mapping[str, Any], answer: Answer) -> str:
    score = _money(channel, answer) if channel["score_minor"] is not None else "nothing to offer"
    preferred = " (preferred)" if channel["channel"] == answer["preferred_channel"] else ""
    return f"{channel['channel']} {score}{preferred}"


def _warnings(answer: Answer) -> Iterator[str]:
    if answer["cold_start"]:
        yield "nothing is known of this customer; judged by what all customers do."
    yield from answer["warnings"]

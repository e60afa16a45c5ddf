"""What an offer says: wording with placeholders, filled with the offer's own values, so that every channel agrees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from features.domain import Instant, Offer
from features.errors import KairosError
from features.quick import quick
from serving.language import Language, number

PLACEHOLDERS = ("name", "offer", "price", "terms", "valid_to")
IN_TERMS = ("offer", "price", "valid_to")
"""Terms are the same for everybody and cannot hold themselves."""
_WITHOUT_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "UGX", "VND", "XAF", "XOF", "XPF"})
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WordingError(KairosError):
    """A wording that cannot be filled in."""


class Said(NamedTuple):
    """What is said to one customer on one channel."""

    title: str
    body: str
    price: str | None
    """As people read it; None where the offer names none."""
    terms: str


@quick(frozen=True, slots=True)
class Reader:
    """Who reads it."""

    zone: str = "UTC"
    """IANA time zone, in which the last day is told."""
    language: Language = Language.EN
    name: str | None = None
    """None where the name is unknown: what addresses the reader by it is then left out."""


def addresses(offer: Offer, channel: str) -> bool:
    """True where the offer's wording on the channel calls the reader by name."""
    texts = [text for each in offer.wording if each.channel == channel for text in (each.title, each.body)]
    return any(name == "name" for text in texts for _, name, _, _ in Formatter().parse(text))


def understand(text: str, allowed: tuple[str, ...] = PLACEHOLDERS) -> None:
    """Check that every placeholder can be filled.

    Raises:
        WordingError: There is another one, or a brace that is none.
    """
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise WordingError(f"{text!r} cannot be filled ({error}): write a brace that is meant twice") from None
    for _, name, form, conversion in pieces:
        if name is None:
            continue
        if name not in allowed or form or conversion:
            close = get_close_matches(name, allowed, n=1)
            remedy = f"did you mean {{{close[0]}}}?" if close else f"use {', '.join(f'{{{a}}}' for a in allowed)}"
            written = name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise WordingError(f"there is no placeholder {{{written}}}: {remedy}")


def say(offer: Offer, channel: str, currency: str, reader: Reader) -> Said:
    """What an offer says on a channel. Without a wording for it, the title is the offer's name and the body empty."""
    if offer.price_minor is None and not offer.terms and not offer.wording:
        return Said(offer.name, "", None, "")
    wording = next((each for each in offer.wording if each.channel == channel), None)
    price = None if offer.price_minor is None else money(offer.price_minor, currency, reader.language)
    until = "" if offer.valid_to is None else day(offer.valid_to, reader.zone, reader.language)
    values = {"offer": offer.name, "price": price or "", "valid_to": until}
    terms = _filled(offer.terms, values)
    if wording is None:
        return Said(offer.name, "", price, terms)
    values |= {"terms": terms, "name": reader.name or ""}
    fill = _filled if reader.name else _filled_for_nobody
    return Said(fill(wording.title, values), fill(wording.body, values), price, terms)


@lru_cache(maxsize=4_096)
def money(minor: float, currency: str, language: Language) -> str:
    """An amount as people read it.

    >>> money(1299, "EUR", Language.DE)
    '12,99 EUR'
    """
    decimals = 0 if currency in _WITHOUT_DECIMALS else 2
    return f"{number(minor / 10**decimals, decimals, language)} {currency}"


@lru_cache(maxsize=4_096)
def day(instant: Instant, zone: str, language: Language) -> str:
    """The day of an instant on the calendar of a zone. The same few ends of validity come in every answer."""
    local = (_EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(zone))
    if language is Language.DE:
        return f"{local.day}.{local.month}.{local.year}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return text.format_map(values) if "{" in text or "}" in text else text


_NAME_FIRST = re.compile(r"\A\{name\}[,!:]?\s*(\w?)")
_NAME_LATER = re.compile(r"\s*\{name\}")


def _filled_for_nobody(text: str, values: Mapping[str, str]) -> str:
    """``Hello {name}, …`` becomes ``Hello, …``, and ``{name}, your …`` becomes ``Your …``."""
    return _filled(_NAME_LATER.sub("", _NAME_FIRST.sub(lambda found: found.group(1).upper(), text)), values)

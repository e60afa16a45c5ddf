"""Why an offer is proposed, in plain English or German, read from the very vector that was scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct

from serving.language import Language, number, percent, told
from serving.pairs import Pair

MOST = 4
"""Reasons given for one offer."""


class Seen(Struct):
    """One pair and its values of READ; unknown values are NaN, which no comparison below holds for."""

    pair: Pair
    language: Language
    thing: str | None
    """What the offer is for, in words; None where any purchase takes it."""
    category_purchases_120d: float
    category_days_since_latest_purchases: float
    category_share: float
    category_due: float
    category_researching: float
    category_redemptions_120d: float
    customer_redemptions_360d: float
    customer_days_since_latest_redemptions: float
    channel_contacts_120d: float
    channel_notice_rate: float
    evidence_offer_contacts: float
    evidence_offer_taken_rate: float
    evidence_category_contacts: float
    evidence_bought_share: float

    @staticmethod
    def of(pair: Pair, language: Language, values: Sequence[float]) -> Seen:
        """``values`` are those of READ."""
        return Seen(pair, language, None if pair.offer.buys is None else _words(pair.offer.buys), *values)


READ = Seen.__struct_fields__[3:]
"""The features that reasons, and what is told of the evidence, are read from."""


def _bought(seen: Seen) -> str | None:
    if seen.thing is None or not seen.category_purchases_120d >= 0.5:
        return None
    share = percent(seen.category_share, 0, seen.language) if seen.category_share >= 0.01 else None
    return _buys(seen.thing, _ago(seen.category_days_since_latest_purchases, seen.language), share, seen.language)


@lru_cache(maxsize=4_096)
def _buys(thing: str, last: str, share: str | None, language: Language) -> str:
    often = "" if share is None else told(language, f", {share} of all purchases", f", {share} aller Käufe")
    return told(language, f"Buys {thing}: last time {last}{often}.", f"Kauft {thing}: zuletzt {last}{often}.")


def _due(seen: Seen) -> str | None:
    if seen.thing is None or not (seen.category_due >= 0.6 and seen.category_purchases_120d >= 2):
        return None
    return told(
        seen.language,
        f"By the usual rhythm the next purchase of {seen.thing} is due.",
        f"Nach dem üblichen Abstand steht der nächste Kauf von {seen.thing} an.",
    )


def _looking(seen: Seen) -> str | None:
    if seen.thing is None or not seen.category_researching >= 0.3:
        return None
    return told(
        seen.language,
        f"Looked at {seen.thing} lately without buying it.",
        f"Hat sich zuletzt {seen.thing} angesehen und nicht gekauft.",
    )


def _redeemed_here(seen: Seen) -> str | None:
    if not seen.category_redemptions_120d >= 0.1:
        return None
    return _used(seen.thing, _words(seen.pair.offer.category), seen.language)


@lru_cache(maxsize=4_096)
def _used(thing: str | None, kind: str, language: Language) -> str:
    what = (
        told(language, f"for {thing}", f"für {thing}")
        if thing is not None
        else told(language, f"of the type {kind}", f"der Art {kind}")
    )
    return told(language, f"Has used an offer {what} before.", f"Hat schon ein Angebot {what} genutzt.")


def _redeems(seen: Seen) -> str | None:
    if not seen.customer_redemptions_360d >= 0.25:
        return None
    return _uses(_ago(seen.customer_days_since_latest_redemptions, seen.language), seen.language)


@lru_cache(maxsize=4_096)
def _uses(last: str, language: Language) -> str:
    return told(language, f"Uses offers: the last one {last}.", f"Nutzt Angebote: das letzte {last}.")


def _notices(seen: Seen) -> str | None:
    if not (seen.channel_contacts_120d >= 0.5 and seen.channel_notice_rate >= 0.5):
        return None
    return _noticed(percent(seen.channel_notice_rate, 0, seen.language), seen.pair.channel.name, seen.language)


@lru_cache(maxsize=4_096)
def _noticed(rate: str, channel: str, language: Language) -> str:
    return told(
        language,
        f"Notices {rate} of messages on {channel}.",
        f"Beachtet {rate} der Nachrichten auf dem Kanal {channel}.",
    )


def _crowd(seen: Seen) -> str | None:
    if seen.evidence_offer_contacts >= 1:
        return _taken_by_all(seen.evidence_offer_contacts, seen.evidence_offer_taken_rate, seen.language)
    if seen.evidence_category_contacts >= 1:
        return _alike(seen.evidence_category_contacts, seen.language)
    return None


@lru_cache(maxsize=512)  # the same for every customer, until the evidence fades on
def _taken_by_all(n_contacts: float, rate: float, language: Language) -> str:
    contacts, taken = number(n_contacts, 0, language), percent(rate, 1, language)
    return told(
        language,
        f"Of about {contacts} recent contacts with this offer {taken} were taken, by all customers.",
        f"Von etwa {contacts} Kontakten mit diesem Angebot in letzter Zeit führten bei allen Kunden {taken} "
        "zum Erfolg.",
    )


@lru_cache(maxsize=4_096)
def _alike(n_contacts: float, language: Language) -> str:
    contacts = number(n_contacts, 0, language)
    return told(
        language,
        f"Never sent as such: judged from about {contacts} contacts with similar offers.",
        f"So noch nie verschickt: beurteilt nach etwa {contacts} Kontakten mit ähnlichen Angeboten.",
    )


def _in_demand(seen: Seen) -> str | None:
    share = seen.evidence_bought_share
    return None if seen.thing is None or not share >= 0.001 else _bought_by_all(share, seen.thing, seen.language)


@lru_cache(maxsize=4_096)
def _bought_by_all(share: float, thing: str, language: Language) -> str:
    shown = percent(share, 1, language)
    return told(
        language, f"{shown} of everybody's purchases are of {thing}.", f"{shown} aller Käufe aller Kunden: {thing}."
    )


REASONS: tuple[Callable[[Seen], str | None], ...] = (
    _redeemed_here,
    _bought,
    _due,
    _looking,
    _redeems,
    _notices,
    _crowd,
    _in_demand,
)
"""From the most personal to the most general."""


def reasons(seen: Seen) -> tuple[str, ...]:
    """The first few reasons that hold; one that admits it where none does."""
    found: list[str] = []
    for reason in REASONS:
        sentence = reason(seen)
        if sentence is not None:
            found.append(sentence)
            if len(found) == MOST:
                break
    if found:
        return tuple(found)
    nothing = told(
        seen.language,
        "Nothing is known that speaks for or against it: judged from what it offers.",
        "Nichts ist bekannt, was dafür oder dagegen spricht: beurteilt nach dem, was es bietet.",
    )
    return (nothing,)


def _ago(days: float, language: Language) -> str:
    """How long ago something was."""
    if days < 1:
        return told(language, "today", "heute")
    if days < 2:
        return told(language, "yesterday", "gestern")
    return told(language, f"{days:.0f} days ago", f"vor {days:.0f} Tagen")


@lru_cache(maxsize=4_096)
def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")

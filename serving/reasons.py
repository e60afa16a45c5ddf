"""Why an offer is proposed, in plain English or German, read from the very vector that was scored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from serving.language import Language, number, percent, told
from serving.pairs import Pair

MOST = 4
"""Reasons given for one offer."""
READ = (
    "category_purchases_120d",
    "category_days_since_latest_purchases",
    "category_share",
    "category_due",
    "category_researching",
    "category_redemptions_120d",
    "customer_redemptions_360d",
    "customer_days_since_latest_redemptions",
    "channel_contacts_120d",
    "channel_notice_rate",
    "evidence_offer_contacts",
    "evidence_offer_taken_rate",
    "evidence_category_contacts",
    "evidence_bought_share",
)
"""The features that reasons, and what is told of the evidence, are read from."""


def reasons(pair: Pair, language: Language, values: Sequence[float]) -> tuple[str, ...]:
    """The first few reasons that hold, from the most personal to the most general; one that admits it where none does.

    ``values`` are those of READ; unknown ones are NaN, which no comparison holds for. Sentences are looked up by what
    is read in them: few are ever said, each very often. What was yesterday is not rounded to two days.
    """
    bought, days, share, due, looked, redeemed, uses, ago, contacts, notice, sent, taken, alike, everybody = values
    found: list[str] = []
    offer = pair.offer
    thing = offer.buys
    if redeemed >= 0.1:
        found.append(_used(thing, offer.category, language))
    if thing is not None:
        if bought >= 0.5 and days >= 0:
            last, percents = round(days) if days >= 2 else int(days), round(100 * share) if share >= 0.01 else None
            found.append(_buys(thing, last, percents, language))
        if due >= 0.6 and bought >= 2:
            found.append(_is_due(thing, language))
        if looked >= 0.3:
            found.append(_looked_at(thing, language))
    if uses >= 0.25 and ago >= 0 and len(found) < MOST:
        found.append(_uses(round(ago) if ago >= 2 else int(ago), language))
    if notice >= 0.5 and contacts >= 0.5 and len(found) < MOST:
        found.append(_notices(round(100 * notice), pair.channel.name, language))
    if len(found) < MOST:
        if sent >= 1:
            found.append(_taken_by_all(sent, taken, language))
        elif alike >= 1:
            found.append(_alike(alike, language))
        if everybody >= 0.001 and thing is not None and len(found) < MOST:
            found.append(_bought_by_all(everybody, thing, language))
    return tuple(found) if found else (_nothing(language),)


@lru_cache(maxsize=4_096)
def _buys(thing: str, days: int, percents: int | None, language: Language) -> str:
    share = "" if percents is None else _percents(percents, language)
    often = "" if percents is None else told(language, f", {share} of all purchases", f", {share} aller Käufe")
    last, name = _ago(days, language), _words(thing)
    return told(language, f"Buys {name}: last time {last}{often}.", f"Kauft {name}: zuletzt {last}{often}.")


@lru_cache(maxsize=4_096)
def _is_due(thing: str, language: Language) -> str:
    name = _words(thing)
    return told(
        language,
        f"By the usual rhythm the next purchase of {name} is due.",
        f"Nach dem üblichen Abstand steht der nächste Kauf von {name} an.",
    )


@lru_cache(maxsize=4_096)
def _looked_at(thing: str, language: Language) -> str:
    name = _words(thing)
    return told(
        language,
        f"Looked at {name} lately without buying it.",
        f"Hat sich zuletzt {name} angesehen und nicht gekauft.",
    )


@lru_cache(maxsize=4_096)
def _used(thing: str | None, category: str, language: Language) -> str:
    name = _words(category if thing is None else thing)
    what = (
        told(language, f"for {name}", f"für {name}")
        if thing is not None
        else told(language, f"of the type {name}", f"der Art {name}")
    )
    return told(language, f"Has used an offer {what} before.", f"Hat schon ein Angebot {what} genutzt.")


@lru_cache(maxsize=4_096)
def _uses(days: int, language: Language) -> str:
    last = _ago(days, language)
    return told(language, f"Uses offers: the last one {last}.", f"Nutzt Angebote: das letzte {last}.")


@lru_cache(maxsize=4_096)
def _notices(percents: int, channel: str, language: Language) -> str:
    rate = _percents(percents, language)
    return told(
        language,
        f"Notices {rate} of messages on {channel}.",
        f"Beachtet {rate} der Nachrichten auf dem Kanal {channel}.",
    )


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


@lru_cache(maxsize=4_096)
def _bought_by_all(share: float, thing: str, language: Language) -> str:
    shown, name = percent(share, 1, language), _words(thing)
    return told(
        language, f"{shown} of everybody's purchases are of {name}.", f"{shown} aller Käufe aller Kunden: {name}."
    )


def _nothing(language: Language) -> str:
    return told(
        language,
        "Nothing is known that speaks for or against it: judged from what it offers.",
        "Nichts ist bekannt, was dafür oder dagegen spricht: beurteilt nach dem, was es bietet.",
    )


def _ago(days: int, language: Language) -> str:
    """How long ago something was."""
    if days == 0:
        return told(language, "today", "heute")
    if days == 1:
        return told(language, "yesterday", "gestern")
    return told(language, f"{days} days ago", f"vor {days} Tagen")


def _percents(whole: int, language: Language) -> str:
    return number(whole, 0, language) + told(language, "%", " %")


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")

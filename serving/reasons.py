"""Why an offer is proposed, in plain English or German, read from the very vector that was scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from serving.language import Language, number, percent, told
from serving.pairs import Pair

MOST = 4
"""Reasons given for one offer."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair and its vector by feature name; unknown values are NaN, which no comparison below holds for."""

    pair: Pair
    vector: Mapping[str, float]
    language: Language = Language.EN

    @property
    def thing(self) -> str | None:
        """What the offer is for, in words; None where any purchase takes it."""
        return _words(self.pair.offer.buys) if self.pair.offer.buys is not None else None

    def told(self, en: str, de: str) -> str:
        """The sentence in the reader's language."""
        return told(self.language, en, de)

    def percent(self, share: float, decimals: int = 0) -> str:
        """A share in percent, as the reader writes it."""
        return percent(share, decimals, self.language)

    def days(self, days: float) -> str:
        """How long ago something was."""
        if days < 1:
            return self.told("today", "heute")
        if days < 2:
            return self.told("yesterday", "gestern")
        return self.told(f"{days:.0f} days ago", f"vor {days:.0f} Tagen")


def _bought(seen: Seen) -> str | None:
    v = seen.vector
    if seen.thing is None or not v["category_purchases_120d"] >= 0.5:
        return None
    last = seen.days(v["category_days_since_latest_purchases"])
    share = seen.percent(v["category_share"])
    often = seen.told(f", {share} of all purchases", f", {share} aller Käufe") if v["category_share"] >= 0.01 else ""
    return seen.told(f"Buys {seen.thing}: last time {last}{often}.", f"Kauft {seen.thing}: zuletzt {last}{often}.")


def _due(seen: Seen) -> str | None:
    v = seen.vector
    if seen.thing is None or not (v["category_due"] >= 0.6 and v["category_purchases_120d"] >= 2):
        return None
    return seen.told(
        f"By the usual rhythm the next purchase of {seen.thing} is due.",
        f"Nach dem üblichen Abstand steht der nächste Kauf von {seen.thing} an.",
    )


def _looking(seen: Seen) -> str | None:
    if seen.thing is None or not seen.vector["category_researching"] >= 0.3:
        return None
    return seen.told(
        f"Looked at {seen.thing} lately without buying it.",
        f"Hat sich zuletzt {seen.thing} angesehen und nicht gekauft.",
    )


def _redeemed_here(seen: Seen) -> str | None:
    if not seen.vector["category_redemptions_120d"] >= 0.1:
        return None
    kind = _words(seen.pair.offer.category)
    what = (
        seen.told(f"for {seen.thing}", f"für {seen.thing}")
        if seen.thing is not None
        else seen.told(f"of the type {kind}", f"der Art {kind}")
    )
    return seen.told(f"Has used an offer {what} before.", f"Hat schon ein Angebot {what} genutzt.")


def _redeems(seen: Seen) -> str | None:
    v = seen.vector
    if not v["customer_redemptions_360d"] >= 0.25:
        return None
    last = seen.days(v["customer_days_since_latest_redemptions"])
    return seen.told(f"Uses offers: the last one {last}.", f"Nutzt Angebote: das letzte {last}.")


def _notices(seen: Seen) -> str | None:
    v = seen.vector
    if not (v["channel_contacts_120d"] >= 0.5 and v["channel_notice_rate"] >= 0.5):
        return None
    rate, channel = seen.percent(v["channel_notice_rate"]), seen.pair.channel.name
    return seen.told(
        f"Notices {rate} of messages on {channel}.", f"Beachtet {rate} der Nachrichten auf dem Kanal {channel}."
    )


def _crowd(seen: Seen) -> str | None:
    v = seen.vector
    if v["evidence_offer_contacts"] >= 1:
        return _taken_by_all(v["evidence_offer_contacts"], v["evidence_offer_taken_rate"], seen.language)
    if v["evidence_category_contacts"] >= 1:
        return _alike(v["evidence_category_contacts"], seen.language)
    return None


@lru_cache(maxsize=4_096)  # the same for every customer
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
    share = seen.vector["evidence_bought_share"]
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
    found = tuple(islice(filter(None, (reason(seen) for reason in REASONS)), MOST))
    if found:
        return found
    nothing = seen.told(
        "Nothing is known that speaks for or against it: judged from what it offers.",
        "Nichts ist bekannt, was dafür oder dagegen spricht: beurteilt nach dem, was es bietet.",
    )
    return (nothing,)


@lru_cache(maxsize=4_096)
def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")

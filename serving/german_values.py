"""The value that decided on a removal, in German."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from serving.language import Language
from serving.phrases import Phrases

_LENGTHS = {"in all": "insgesamt", "a day": "am Tag", "a week": "in der Woche", "a month": "im Monat"}
_WORDS = {
    "length": _LENGTHS,
    "after": {"declined": "abgelehnt", "negative": "beanstandet", "ignored": "übergangen"},
    "topic": {"basket": "Warenkorb", "looked_at": "Angesehenes", "question": "Frage", "complaint": "Beschwerde"},
    "importance": {"transactional": "Nachricht zu einem Vorgang", "mandatory": "Pflichtnachricht"},
}
VALUES_DE: Mapping[str, Phrases] = {
    rule: Phrases(pairs, _WORDS)
    for rule, pairs in {
        "kind": (),
        "not_asked_for": (
            ("only {offer} is asked for", "gefragt ist nur nach {offer}"),
            ("{importance}: name its kind or offer_id", "{importance}: geht nur auf Nennung von kind oder offer_id"),
        ),
        "not_yet_valid": (("valid from {at}", "gültig ab {at}"),),
        "no_longer_valid": (("valid to {at}", "gültig bis {at}"),),
        "stock": (("{taken} of {most} granted", "{taken} von {most} vergeben"),),
        "budget": (
            ("{name}: {asked} asked for, {left} of {most} left", "{name}: {asked} nötig, {left} von {most} übrig"),
        ),
        "channel_closed": (("{channel} is closed", "{channel} ist geschlossen"),),
        "channel_not_allowed": (),
        "channel_not_open": (
            (
                "{channel} is inbound and not named in the request's channels",
                "auf {channel} kommt der Kunde von selbst, und die Anfrage nennt den Kanal nicht",
            ),
        ),
        "not_addressable": (
            ("bounced {at}", "kam zurück: {at}"),
            ("{channel} cannot address one customer", "{channel} erreicht keine einzelnen Kunden"),
        ),
        "consent": (
            ("{purpose} was never given", "{purpose} wurde nie erteilt"),
            ("{purpose} refused {at}", "{purpose} verweigert {at}"),
        ),
        "marketing_objection": (("objected {at}", "widersprochen {at}"),),
        "purpose_objection": (("{purpose} refused {at}", "{purpose} verweigert {at}"),),
        "offer_rule": (),
        "requirement": (),
        "audience": (("was never sent {offer}", "{offer} wurde nie geschickt"),),
        "already_taken": (("redeemed {at}", "eingelöst {at}"),),
        "rest": (
            (
                "{name}: {after} {times} times, last {at}, rests until {until}",
                "{name}: {after} {times} Mal, zuletzt {at}, ruht bis {until}",
            ),
            ("{name}: {after} {at}, rests until {until}", "{name}: {after} {at}, ruht bis {until}"),
        ),
        "sequence": (
            ("{name}: {topic} open since {at}", "{name}: {topic} offen seit {at}"),
            ("{name}: only after {event}", "{name}: erst nach {event}"),
        ),
        "quiet_hours": (
            (
                "{channel} is quiet at {at} and for {hours} hours ({zone})",
                "{channel} schweigt um {at} und {hours} Stunden danach ({zone})",
            ),
            ("{channel} is quiet at {at} ({zone})", "{channel} schweigt um {at} ({zone})"),
        ),
        "cap": (
            ("{name}: at most {most} in any {hours} hours", "{name}: höchstens {most} in je {hours} Stunden"),
            ("{name}: at most {most} {length}", "{name}: höchstens {most} {length}"),
        ),
        "capacity": (
            ("{name}: {most} contacts {length}", "{name}: {most} Kontakte {length}"),
            ("{name}: {most} minor units {length}", "{name}: {most} kleinste Einheiten {length}"),
        ),
    }.items()
}
"""What can be said by each rule; a rule without any says names only."""


def value(rule: str, english: str, language: Language) -> str:
    """The value that decided, in the reader's language."""
    return german_value(rule, english) if language is Language.DE else english


@lru_cache(maxsize=4_096)
def german_value(rule: str, value: str) -> str:
    """The value in German; what is none of the phrases stays as it is."""
    if rule in ("offer_rule", "requirement"):
        return re.sub(r" is unknown(?=[],])", " ist unbekannt", value)
    phrases = VALUES_DE.get(rule)
    if phrases is None:
        return value
    whole = phrases.german(value) if "; " not in value else None
    return whole or "; ".join(phrases.german(part) or part for part in value.split("; "))

"""What must be told with a decision: what was missing, and what its figures do not say."""

from __future__ import annotations

from functools import lru_cache

from features.instant import format_instant
from serving.decision import Decision
from serving.eligibility import CHANNEL_NOT_OPEN
from serving.equipment import Equipment
from serving.german import sentence
from serving.german_notes import note
from serving.language import Language, told


@lru_cache(maxsize=64)
def _notes(notes: tuple[str, ...], language: Language) -> tuple[str, ...]:
    return tuple(note(each, language) for each in notes)


def caveats(decision: Decision, equipment: Equipment) -> list[str]:
    """In the language of the request."""
    language = decision.ask.language
    found = [sentence(shortfall, language) for shortfall in decision.shortfalls] if decision.shortfalls else []
    if equipment.notes:
        found += _notes(equipment.notes, language)
    if not decision.personal:
        found.append(
            told(
                language,
                "The customer has objected to profiling: ranked by popularity, as for anybody.",
                "Der Kunde hat dem Profiling widersprochen: gereiht nach Beliebtheit, wie für jeden.",
            )
        )
    if decision.by_popularity:
        found.append(
            told(
                language,
                "Scores are expected value by popularity: what would have been bought anyway is not taken off.",
                "Die Werte sind nach Beliebtheit erwartet: was ohnehin gekauft würde, ist nicht abgezogen.",
            )
        )
    if decision.cold_start:
        found.append(
            told(
                language,
                "No event of this customer is known: judged by what all customers do.",
                "Von diesem Kunden ist kein Ereignis bekannt: beurteilt nach dem, was alle Kunden tun.",
            )
        )
    if decision.ask.at < equipment.catalogue.now:
        known_to = format_instant(equipment.catalogue.now)
        found.append(
            told(
                language,
                f"History is known up to {known_to}, so this answer may rest on what happened after its instant.",
                f"Bekannt ist die Geschichte bis {known_to}; die Antwort kann auf Späterem beruhen.",
            )
        )
    if not decision.funnel.eligible and CHANNEL_NOT_OPEN in decision.funnel.removed.counts():
        found.append(
            told(
                language,
                "Only inbound channels are left: name those on which the customer is present in `channels`.",
                "Nur Kanäle sind übrig, auf die der Kunde von selbst kommt: `channels` nenne die, auf denen er ist.",
            )
        )
    return found

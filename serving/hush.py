"""Why nothing is said, or why something is: silence as one of the choices, in plain English or German."""

from __future__ import annotations

from features.domain import Importance
from serving.draw import SILENCE
from serving.eligibility import MARKETING_OBJECTION, Removals
from serving.explore import Group
from serving.language import Language, number, told
from serving.ranking import Ranking


def why_silent(best: Ranking, removed: Removals, group: Group, language: Language) -> str:
    """What decided between the best offer and silence. ``best`` is the best place of each offer, best first."""
    needed = next((pair.offer for pair in best.pairs() if pair.offer.importance is not Importance.PROMOTIONAL), None)
    if needed is not None:
        return told(
            language,
            f"{needed.name} is no promotion: it goes out whatever it is worth.",
            f"{needed.name} ist keine Werbung und geht hinaus, gleich, was es wert ist.",
        )
    if best and group is Group.CONTROL:
        return told(
            language,
            "The customer belongs to the control group, to which nothing is offered, to tell what offers change.",
            "Der Kunde gehört zur Vergleichsgruppe, der nichts angeboten wird, um zu sehen, was Angebote bewirken.",
        )
    if not best and MARKETING_OBJECTION in removed.counts():
        return told(
            language,
            "The customer has objected to marketing, so nothing is offered.",
            "Der Kunde hat der Werbung widersprochen, daher wird nichts angeboten.",
        )
    if not best and removed:
        return told(language, "No offer may be made now.", "Zurzeit darf kein Angebot gemacht werden.")
    if not best:
        return told(language, "There is nothing to offer.", "Es gibt nichts anzubieten.")
    first = best[0]
    offer, channel = first.pair.offer.name, first.pair.channel.name
    if first.score > SILENCE:
        return told(
            language,
            f"{offer} on {channel} is worth more than saying nothing.",
            f"{offer} auf dem Kanal {channel} ist mehr wert, als nichts zu sagen.",
        )
    worth = number(first.score, 1, language)
    return told(
        language,
        f"Even the best, {offer} on {channel}, would be worth {worth} minor units: saying nothing is better.",
        f"Selbst das Beste, {offer} auf dem Kanal {channel}, wäre {worth} kleinste Einheiten wert: "
        "nichts zu sagen ist besser.",
    )

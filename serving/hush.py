"""Why nothing is said, or why something is: silence as one of the choices, in plain English or German."""

from __future__ import annotations

from features.domain import Offer
from serving.draw import SILENCE
from serving.eligibility import MARKETING_OBJECTION, Removals
from serving.explore import Group
from serving.language import Language, number, told
from serving.pairs import Pair


def why_silent(
    best: tuple[Pair, float] | None, needed: Offer | None, removed: Removals, group: Group, language: Language
) -> str:
    """What decided between the best pair, with its score, and silence.

    ``needed`` is the best offer that does not compete.
    """
    if needed is not None:
        return told(
            language,
            f"{needed.name} is no promotion: it goes out whatever it is worth.",
            f"{needed.name} ist keine Werbung und geht hinaus, gleich, was es wert ist.",
        )
    if best is not None and group is Group.CONTROL:
        return told(
            language,
            "The customer belongs to the control group, to which nothing is offered, to tell what offers change.",
            "Der Kunde gehört zur Vergleichsgruppe, der nichts angeboten wird, um zu sehen, was Angebote bewirken.",
        )
    if best is None and MARKETING_OBJECTION in removed.counts():
        return told(
            language,
            "The customer has objected to marketing, so nothing is offered.",
            "Der Kunde hat der Werbung widersprochen, daher wird nichts angeboten.",
        )
    if best is None and removed:
        return told(language, "No offer may be made now.", "Zurzeit darf kein Angebot gemacht werden.")
    if best is None:
        return told(language, "There is nothing to offer.", "Es gibt nichts anzubieten.")
    pair, score = best
    offer, channel = pair.offer.name, pair.channel.name
    if score > SILENCE:
        return told(
            language,
            f"{offer} on {channel} is worth more than saying nothing.",
            f"{offer} auf dem Kanal {channel} ist mehr wert, als nichts zu sagen.",
        )
    worth = number(score, 1, language)
    return told(
        language,
        f"Even the best, {offer} on {channel}, would be worth {worth} minor units: saying nothing is better.",
        f"Selbst das Beste, {offer} auf dem Kanal {channel}, wäre {worth} kleinste Einheiten wert: "
        "nichts zu sagen ist besser.",
    )

"""Why an offer is proposed, in plain English or German, read from the very vector that was scored.

Which reasons hold is told by ``kernels.menu.give_reasons``; what stands here are their sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

from serving.kernels import menu as kernel
from serving.language import Language, number, percent, told

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


def part(words: Sequence[str], given: int, language: Language) -> tuple[str, bool, bool]:
    """A part of a reason in words, whether the reason begins with it, and whether it ends with it.

    Args:
        words: The nouns by their numbers, see ``Nouns``.
        given: As ``kernels.menu.give_reasons`` wrote it.
        language: Which words.
    """
    _, which, noun, value = kernel.read_part(given)
    text = _PARTS[which](words[noun], value, language)
    return text, which not in _GOING_ON, which not in _UNFINISHED


def reasons(words: Sequence[str], given: Sequence[int], language: Language) -> tuple[str, ...]:
    """The reasons that are told in these parts."""
    found: list[str] = []
    for each in given:
        text, begins, _ = part(words, each, language)
        if begins:
            found.append(text)
        else:
            found[-1] += text
    return tuple(found)


def _buys(thing: str, _: float, language: Language) -> str:
    name = _words(thing)
    return told(language, f"Buys {name}: last time ", f"Kauft {name}: zuletzt ")


def _last(_: str, days: float, language: Language) -> str:
    return _ago(days, language)


def _share(_: str, percents: float, language: Language) -> str:
    if percents == kernel.NO_SHARE:
        return "."
    share = _percents(percents, language)
    return told(language, f", {share} of all purchases.", f", {share} aller Käufe.")


def _is_due(thing: str, _: float, language: Language) -> str:
    name = _words(thing)
    return told(
        language,
        f"By the usual rhythm the next purchase of {name} is due.",
        f"Nach dem üblichen Abstand steht der nächste Kauf von {name} an.",
    )


def _looked_at(thing: str, _: float, language: Language) -> str:
    name = _words(thing)
    return told(
        language,
        f"Looked at {name} lately without buying it.",
        f"Hat sich zuletzt {name} angesehen und nicht gekauft.",
    )


def _used_for(thing: str, _: float, language: Language) -> str:
    name = _words(thing)
    return told(language, f"Has used an offer for {name} before.", f"Hat schon ein Angebot für {name} genutzt.")


def _used_kind(category: str, _: float, language: Language) -> str:
    name = _words(category)
    return told(
        language, f"Has used an offer of the type {name} before.", f"Hat schon ein Angebot der Art {name} genutzt."
    )


def _uses(_: str, days: float, language: Language) -> str:
    last = _ago(days, language)
    return told(language, f"Uses offers: the last one {last}.", f"Nutzt Angebote: das letzte {last}.")


def _notices(channel: str, percents: float, language: Language) -> str:
    rate = _percents(percents, language)
    return told(
        language,
        f"Notices {rate} of messages on {channel}.",
        f"Beachtet {rate} der Nachrichten auf dem Kanal {channel}.",
    )


def _taken_by_all(_: str, n_contacts: float, language: Language) -> str:
    contacts = number(n_contacts, 0, language)
    return told(
        language,
        f"Of about {contacts} recent contacts with this offer ",
        f"Von etwa {contacts} Kontakten mit diesem Angebot in letzter Zeit führten bei allen Kunden ",
    )


def _were_taken(_: str, rate: float, language: Language) -> str:
    taken = percent(rate, 1, language)
    return told(language, f"{taken} were taken, by all customers.", f"{taken} zum Erfolg.")


def _alike(_: str, n_contacts: float, language: Language) -> str:
    contacts = number(n_contacts, 0, language)
    return told(
        language,
        f"Never sent as such: judged from about {contacts} contacts with similar offers.",
        f"So noch nie verschickt: beurteilt nach etwa {contacts} Kontakten mit ähnlichen Angeboten.",
    )


def _bought_by_all(thing: str, share: float, language: Language) -> str:
    shown, name = percent(share, 1, language), _words(thing)
    return told(
        language, f"{shown} of everybody's purchases are of {name}.", f"{shown} aller Käufe aller Kunden: {name}."
    )


def _nothing_known(_: str, __: float, language: Language) -> str:
    return told(
        language,
        "Nothing is known that speaks for or against it: judged from what it offers.",
        "Nichts ist bekannt, was dafür oder dagegen spricht: beurteilt nach dem, was es bietet.",
    )


def _ago(days: float, language: Language) -> str:
    """How long ago something was."""
    if days == 0:
        return told(language, "today", "heute")
    if days == 1:
        return told(language, "yesterday", "gestern")
    return told(language, f"{days:.0f} days ago", f"vor {days:.0f} Tagen")


def _percents(whole: float, language: Language) -> str:
    return number(whole, 0, language) + told(language, "%", " %")


def _words(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


_PARTS = {
    kernel.USED_FOR: _used_for,
    kernel.USED_KIND: _used_kind,
    kernel.BUYS: _buys,
    kernel.IS_DUE: _is_due,
    kernel.LOOKED_AT: _looked_at,
    kernel.USES: _uses,
    kernel.NOTICES: _notices,
    kernel.TAKEN_BY_ALL: _taken_by_all,
    kernel.ALIKE: _alike,
    kernel.BOUGHT_BY_ALL: _bought_by_all,
    kernel.NOTHING_KNOWN: _nothing_known,
    kernel.AGO: _last,
    kernel.SHARE: _share,
    kernel.WERE_TAKEN: _were_taken,
}
"""What each says of a noun and a value; some need but one of them, or none."""
_UNFINISHED = (kernel.BUYS, kernel.AGO, kernel.TAKEN_BY_ALL)
_GOING_ON = (kernel.AGO, kernel.SHARE, kernel.WERE_TAKEN)
"""Where a reason does not end, and where none begins."""

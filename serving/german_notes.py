"""What the data cannot tell, what an operator should know, and why an event was refused, in German."""

from __future__ import annotations

import re
from collections.abc import Mapping

from serving.language import Language, told
from serving.phrases import Phrases

LIMITS_DE = Phrases(
    (
        (
            "Who was mailed was chosen by past spending, not at random, so what a channel adds cannot be told apart "
            "from who was reached.",
            "Wer Post bekam, wurde nach früheren Ausgaben gewählt, nicht zufällig; was ein Kanal beiträgt, lässt sich "
            "daher nicht davon trennen, wen er erreicht hat.",
        ),
        (
            "There are no opens or clicks: whether a contact was noticed is not known on any channel.",
            "Es gibt keine Öffnungen oder Klicks: ob ein Kontakt bemerkt wurde, ist auf keinem Kanal bekannt.",
        ),
        (
            "Mailer and in-store display are known per store and week, not per household.",
            "Prospekt und Auslage sind je Markt und Woche bekannt, nicht je Haushalt.",
        ),
        (
            "The calendar was shifted to 2017: holidays and seasons mean nothing.",
            "Der Kalender wurde auf 2017 verschoben: Feiertage und Jahreszeiten bedeuten nichts.",
        ),
        (
            "Campaigns that end after 31 December 2017 are cut off: later redemptions are not seen.",
            "Kampagnen, die nach dem 31. Dezember 2017 enden, sind abgeschnitten: spätere Einlösungen fehlen.",
        ),
        (
            "Two thirds of the households have no demographics.",
            "Von zwei Dritteln der Haushalte sind Alter, Einkommen und Größe unbekannt.",
        ),
        (
            "The package's page calls the data simulated; their values equal those of the CRAN package, which reads "
            "dunnhumby's own files.",
            "Die Seite des Pakets nennt die Daten simuliert; ihre Werte gleichen denen des CRAN-Pakets, das die "
            "Dateien von dunnhumby liest.",
        ),
        (
            "These data are simulated; nothing in them is a real customer.",
            "Diese Daten sind simuliert; kein Kunde darin ist echt.",
        ),
        (
            "Offers were sent on fixed sets of channels, so the share of a single channel within a set cannot be told.",
            "Angebote gingen auf festen Gruppen von Kanälen hinaus; der Anteil eines einzelnen lässt sich nicht sagen.",
        ),
        (
            "Days and weekdays are arbitrary: the data count hours from an unknown start.",
            "Tage und Wochentage sind willkürlich: die Daten zählen Stunden ab einem unbekannten Beginn.",
        ),
        (
            "Purchases name no product, so any purchase counts towards an offer.",
            "Käufe nennen kein Produkt, daher zählt jeder Kauf für ein Angebot.",
        ),
        (
            "What the channels can tell depends on how contacts were chosen: give `probability` where it is known.",
            "Was die Kanäle verraten, hängt davon ab, wie Kontakte gewählt wurden: `probability` angeben, wo bekannt.",
        ),
        (
            "No consents are recorded: customers count as having agreed to {purpose} until they say otherwise.",
            "Einwilligungen sind nicht verzeichnet: Kunden gelten als einverstanden mit {purpose}, bis sie anderes "
            "sagen.",
        ),
    ),
    {},
)

NOTES_DE = Phrases(
    (
        (
            "Everybody is offered what earned most in the log: that personal choice earns more is not proven.",
            "Alle bekommen, was im Protokoll am meisten brachte: dass die persönliche Wahl mehr bringt, ist nicht "
            "bewiesen.",
        ),
        (
            "Whether personal choice earns more than offering everybody the same is unproven for this model.",
            "Ob die persönliche Wahl mehr einbringt als ein Angebot für alle, ist für dieses Modell nicht belegt.",
        ),
        (
            "Still deciding with model {before}: {version} cannot be used ({error}).",
            "Noch entscheidet das Modell {before}: {version} ist nicht brauchbar ({error}).",
        ),
        (
            "Still deciding from the catalogue before it. {rest}",
            "Noch gilt der Katalog davor; die Datei ist nicht lesbar: `make features` schreibt sie neu.",
        ),
        (
            "Still going by the {document} document before the one in its file. {trouble}",
            "Noch gilt {document} in der Fassung vor der in der Datei, die nicht brauchbar ist: {trouble}",
        ),
        (
            "In the {document} document, {more} more lines name what there is not.",
            "In {document} nennen {more} weitere Zeilen, was es nicht gibt.",
        ),
        (
            "In the {document} document, {at}: there is no {noun} {name} in the catalogue{remedy}.",
            "In {document}, {at}: {noun} {name} steht nicht im Katalog.",
        ),
        (
            "In the {document} document, {at}: {name} is no outbound channel, so it has no quiet hours.",
            "In {document}, {at}: {name} ist kein ausgehender Kanal und hat keine Ruhezeiten.",
        ),
        (
            "A dry run journals nothing: its events did not count.",
            "Ein Probelauf hält nichts fest: seine Ereignisse zählten nicht.",
        ),
        (
            "The events of this request were not taken in: {error}.",
            "Die Ereignisse dieser Anfrage wurden nicht aufgenommen, denn das Journal oder der Katalog fehlt.",
        ),
    ),
    {
        "document": {"policy": "policy.json", "offers": "offers.json"},
        "noun": {
            **{"offer": "das Angebot", "category": "die Warengruppe", "channel": "der Kanal"},
            **{"purpose": "der Zweck", "kind": "die Art"},
        },
    },
)

REFUSALS_DE: Mapping[str, str] = {
    "wrong_type": "hat die falsche Art",
    "wrong_length": "ist zu kurz oder zu lang",
    "wrong_text": "enthält Zeichen, die nicht gehen",
    "missing": "fehlt",
    "out_of_range": "liegt außerhalb dessen, was geht",
    "wrong_instant": "ist kein Zeitpunkt",
    "in_the_future": "liegt mehr als 24 Stunden in der Zukunft",
    "too_early": "liegt vor 1990",
    "not_a_number": "enthält etwas, das keine Zahl ist",
    "too_large": "ist zu groß",
    "too_deep": "ist zu tief verschachtelt",
    "unknown_channel": "nennt einen Kanal, den es nicht gibt",
    "unknown_event": "ist von einer Art, die es nicht gibt",
    "unknown_kind": "ist von einer Art, die es nicht gibt",
    "unknown_customer": "nennt einen Kunden, den es nicht gibt",
    "wrong_identity": "nennt einen Namen, der keiner sein kann",
    "no_identity": "nennt niemanden",
    "too_many_names": "nennt zu viele Namen",
    "wrong_currency": "ist in einer anderen Währung",
    "wrong_version": "ist von einer anderen Fassung",
}
"""What is wrong with an event, by the code of its refusal."""


def limit(sentence: str, language: Language) -> str:
    """What the data cannot tell."""
    return sentence if language is Language.EN else LIMITS_DE.german(sentence) or sentence


def note(sentence: str, language: Language) -> str:
    """What an operator should know."""
    return sentence if language is Language.EN else NOTES_DE.german(sentence) or sentence


def refused(place: int, code: str, why: str, language: Language) -> str:
    """That the event at a place of the request was refused, and why."""
    field = re.match(r"([a-z_]+(?:\.[a-z_]+)*) (?:has|is|holds|lies)\b", why)
    subject = "Es" if field is None else f"`{field[1]}`"
    german = REFUSALS_DE.get(code, "ist nicht lesbar")
    return told(
        language,
        f"Event {place} was refused: {why}.",
        f"Ereignis {place} wurde abgelehnt ({code}): {subject} {german}.",
    )

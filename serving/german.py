"""What stands in tables in English, in German: the rules and what is missing. Their names stay what they are."""

from __future__ import annotations

from collections.abc import Mapping

from features.intent import Intent, Topic
from serving.language import Language, told
from serving.shortfall import Lack, Shortfall

RULES_DE: Mapping[str, str] = {
    "kind": "Gefragt ist nach Angeboten einer anderen Art.",
    "not_asked_for": "Gefragt ist nach einem anderen Angebot; oder die Nachricht ist keine Werbung und geht nur "
    "hinaus, wenn nach ihr oder ihrer Art gefragt wird.",
    "not_yet_valid": "Das Angebot gilt noch nicht.",
    "no_longer_valid": "Das Angebot gilt nicht mehr.",
    "stock": "Was es von dem Angebot gibt, ist vergeben.",
    "budget": "Ein Budget reicht für Nachlass und Kontakt nicht mehr.",
    "channel_closed": "Die Regeln des Hauses schließen den Kanal.",
    "channel_not_allowed": "Die Anfrage nennt die Kanäle, die zu nutzen sind, und dieser ist nicht darunter.",
    "channel_not_open": "Auf diesen Kanal kommt der Kunde von selbst; die Anfrage sagt nicht, dass er dort ist.",
    "not_addressable": "Der Kanal kann keinen einzelnen Kunden erreichen, oder die letzte Nachricht darauf kam vor "
    "Kurzem zurück.",
    "consent": "Für den Kanal fehlt die Einwilligung des Kunden, oder sie wurde widerrufen.",
    "marketing_objection": "Der Kunde hat der Werbung widersprochen.",
    "purpose_objection": "Der Kunde hat Nachrichten zu diesem Zweck abgelehnt.",
    "offer_rule": "Die Bedingung des Angebots ist nicht erfüllt.",
    "requirement": "Eine Bedingung des Hauses ist nicht erfüllt.",
    "audience": "Das Angebot ist nur für Kunden, die vorher ein anderes bekommen haben.",
    "already_taken": "Der Kunde hat das Angebot in seiner Laufzeit schon eingelöst.",
    "rest": "Der Kunde hat es zuletzt oft genug übergangen, abgelehnt oder beanstandet; es ruht auf allen Kanälen.",
    "sequence": "Etwas, das geschehen ist, oder ein offenes Anliegen verbietet es; oder was vorher kommen muss, fehlt.",
    "quiet_hours": "Der Kanal ist jetzt und zu jeder kommenden vollen Stunde still.",
    "cap": "Zu jedem möglichen Zeitpunkt wäre ein Kontakt mehr einer zu viel.",
    "capacity": "Zu jedem möglichen Zeitpunkt ist der Kanal ausgelastet oder ein Budget erschöpft.",
}
"""What each rule means, by its name."""

LACKS_DE: Mapping[Lack, str] = {
    Lack.STARTING: "Der Dienst ist eben erst gestartet und lädt noch sein Modell.",
    Lack.CATALOGUE_MISSING: "Es gibt keinen Katalog, daher kann nichts angeboten werden.",
    Lack.CATALOGUE_UNREADABLE: "Der Katalog ist nicht lesbar, daher kann nichts angeboten werden.",
    Lack.OFFERS_UNREADABLE: "Die Angebote sind nicht lesbar, daher wird nichts angeboten.",
    Lack.POLICY_UNREADABLE: "Die Regeln des Hauses sind nicht lesbar, daher wird nichts angeboten.",
    Lack.MODEL_MISSING: "Kein Modell ist im Einsatz: gereiht nach Beliebtheit.",
    Lack.MODEL_UNREADABLE: "Das Modell ist nicht lesbar: gereiht nach Beliebtheit.",
    Lack.MODEL_LACKS_KIND: "Über Angebote dieser Art hat das Modell nichts gelernt: gereiht nach Beliebtheit.",
    Lack.STORE_UNAVAILABLE: "Die Merkmale des Kunden sind nicht erreichbar: beurteilt wie ein Unbekannter.",
    Lack.STORE_SCHEMA: "Die Merkmale des Kunden haben eine andere Form: beurteilt wie ein Unbekannter.",
    Lack.JOURNAL_UNAVAILABLE: "Das Journal ist nicht erreichbar, daher wird nichts angeboten.",
    Lack.LATE: "Die Antwort drängte: beurteilt nach Beliebtheit, ohne auf alles zu warten, was bekannt ist.",
    Lack.LATE_FOR_ALL: "Bis zur Frist ließ sich nichts prüfen und festhalten, daher wird nichts angeboten.",
    Lack.CONTENDED: "Was gewählt wurde, war jedes Mal eben vergeben, daher wird nichts angeboten.",
}
"""What each shortfall means for the answer."""


def open_topic(intent: Intent) -> str:
    """What to do about something begun."""
    about = f" ({intent.about})" if intent.about else ""
    words = {
        Topic.BASKET: f"den auf {intent.channel} begonnenen Warenkorb{about} wieder aufnehmen",
        Topic.LOOKED_AT: f"bei dem auf {intent.channel} Angesehenen{about} weitermachen",
        Topic.QUESTION: f"die auf {intent.channel} gestellte Frage{about} beantworten",
        Topic.COMPLAINT: f"die auf {intent.channel} vorgebrachte Beschwerde{about} klären",
    }
    return words[intent.topic]


def sentence(shortfall: Shortfall, language: Language) -> str:
    """What is missing, in the reader's language."""
    return told(language, shortfall.sentence, LACKS_DE.get(shortfall.lack, shortfall.sentence))


def meaning(rule: str, english: str, language: Language) -> str:
    """What a rule means, in the reader's language."""
    return told(language, english, RULES_DE.get(rule, english))

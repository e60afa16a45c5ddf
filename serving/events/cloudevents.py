"""CloudEvents 1.0, structured: an envelope around an event in Kairos's own form."""

from __future__ import annotations

from features.domain import Instant, Kind
from serving.events.arrival import Arrival, RefusedError
from serving.events.field import Json, document, required, text
from serving.events.native import native

ENVELOPE = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"}
)
MOST_SOURCE = 128


def is_cloudevent(item: Json) -> bool:
    """True where the item says that it is a CloudEvent."""
    return "specversion" in item


def cloudevent(item: Json, now: Instant, raw: bool = False) -> Arrival:
    """One CloudEvent. ``type`` ends in the kind (``org.example.purchased``) unless the data name one.

    ``subject`` is the customer's number, or ``namespace:value``, unless the data name the customer. Extension
    attributes are kept.

    Raises:
        RefusedError: Another version, a required attribute is missing, or the data are no event.
    """
    if required(item, "specversion") != "1.0":
        raise RefusedError("wrong_version", "specversion has to be 1.0")
    if item.get("data_base64") is not None:
        raise RefusedError("wrong_type", "data has to be JSON: data_base64 is not read")
    data = document(item, "data")
    fields: dict[str, object] = {name: value for name, value in item.items() if name not in ENVELOPE}
    fields |= {"kind": _kind(required(item, "type", 256)), "occurred_at": item.get("time"), **data}
    fields |= {"source": required(item, "source", MOST_SOURCE), "event_id": required(item, "id")}
    subject = text(item, "subject", 512)
    if subject is not None and "customer_id" not in data and "identities" not in data:
        fields["identities"] = [_subject(subject)]
    return native(fields, now, raw)


def _kind(name: str) -> str:
    """The kind at the end of a type; a version after it is skipped."""
    words = name.replace("/", ".").lower().split(".")
    return next((word for word in reversed(words) if word in set(Kind)), words[-1])


def _subject(subject: str) -> dict[str, str]:
    namespace, colon, value = subject.partition(":")
    return {"namespace": namespace, "value": value} if colon else {"namespace": "customer_id", "value": subject}

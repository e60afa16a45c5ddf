"""The tables of the journal. Rows are added, and only erasure and retention take any away.

Instants are int64 microseconds UTC (columns ``*_us``), money is in minor units, documents are JSON text.
Few columns change, and all sum up rows that are only added: ``identities.customer_id`` and ``customers`` (``links``,
``events``), ``contacts.standing`` (``contact_changes``), ``counters`` (``takes``), ``holds.settled``, ``follow_ups``.
"""

from serving.journal.schema.answer import ANSWERS, DECISIONS, SENDS
from serving.journal.schema.contact import CONTACT_CHANGES, CONTACTS, FOLLOW_UPS
from serving.journal.schema.event import EVENTS, HEAD
from serving.journal.schema.metadata import METADATA, ROW_ID
from serving.journal.schema.person import CONSENTS, CUSTOMERS, ERASURES, IDENTITIES, LINKS, SEPARATIONS, TOMBSTONES
from serving.journal.schema.staff import AUDIT, DOCUMENTS, KEYS
from serving.journal.schema.stock import COUNTERS, HOLDS, TAKES

__all__ = [
    "ANSWERS",
    "AUDIT",
    "CONSENTS",
    "CONTACTS",
    "CONTACT_CHANGES",
    "COUNTERS",
    "CUSTOMERS",
    "DECISIONS",
    "DOCUMENTS",
    "ERASURES",
    "EVENTS",
    "FOLLOW_UPS",
    "HEAD",
    "HOLDS",
    "IDENTITIES",
    "KEYS",
    "LINKS",
    "METADATA",
    "ROW_ID",
    "SENDS",
    "SEPARATIONS",
    "TAKES",
    "TOMBSTONES",
]

"""The tables of the journal. Rows are added, and only erasure and retention take any away.

Instants are int64 microseconds UTC (columns ``*_us``), money is in minor units, documents are JSON text.
Few columns change, and all sum up rows that are only added: ``identities.customer_id`` and ``customers`` (``links``,
``events``), ``contacts.standing`` (``contact_changes``), ``counters`` (``takes``), ``holds.settled``, ``follow_ups``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself in a column of type INTEGER only."""

HEAD = Table(
    "head",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    CheckConstraint("one = 1", name="one_row"),
)
"""The last position given out, and the journal's name, drawn when it was begun. Whoever appends holds this row, so
positions become visible in their order."""

EVENTS = Table(
    "events",
    METADATA,
    Column("position", ROW_ID, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("identity_id", BigInteger, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("occurred_us", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("utc_offset_min", Integer),
    Column("offer_id", Text),
    Column("category", Text),
    Column("value_minor", BigInteger),
    Column("discount_minor", BigInteger),
    Column("quantity", Double),
    Column("decision_id", Text),
    Column("machine", Boolean, nullable=False),
    Column("extra", Text),
    UniqueConstraint("source", "event_id"),
    Index("ix_events_identity", "identity_id", "position"),
    Index("ix_events_kind", "identity_id", "kind", "occurred_us"),
    Index("ix_events_decision_id", "decision_id"),
)
"""``identity_id`` is the identity an event belongs to, ``customer_id`` the customer that it meant when it came; without
``utc_offset_min`` its local hour is that of the customer's zone."""

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("identity_id", ROW_ID, primary_key=True, autoincrement=False),
    Column("namespace", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("customer_id", Text, nullable=False, index=True),
    Column("known_us", BigInteger, nullable=False),
    Column("raw", Text),
    UniqueConstraint("namespace", "value"),
)
"""``identity_id`` is the position at which the identity was first seen; ``raw`` is kept where a setting says so."""

LINKS = Table(
    "links",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("identity_id", BigInteger, primary_key=True, autoincrement=False),
    Column("customer_id", Text, nullable=False),
    Column("was", Text),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_links_identity", "identity_id", "position"),
)
"""Every decision about whose an identity is; the one with the highest position holds. ``was`` is the owner before."""

SEPARATIONS = Table(
    "separations",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("identity_id", BigInteger, nullable=False, index=True),
    Column("other_id", BigInteger, nullable=False, index=True),
)
"""Identities that a person has set apart: no event may join their customers again."""

CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("customer_id", Text, primary_key=True),
    Column("head", BigInteger, nullable=False, index=True),
    Column("relinked", BigInteger, nullable=False),
    Column("booked", BigInteger, nullable=False, server_default="0"),
)
"""``head`` is the last position of an event that concerns the customer, ``relinked`` the last at which its identities
changed, ``booked`` the last at which contacts or consents did."""

CONTACTS = Table(
    "contacts",
    METADATA,
    Column("contact_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("identity_id", BigInteger, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("decision_id", Text, index=True),
    Column("channel", Text, nullable=False),
    Column("moment_us", BigInteger, nullable=False),
    Column("granted_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("offers", Text, nullable=False),
    Column("categories", Text, nullable=False),
    Column("purposes", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("zone", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Index("ix_contacts_identity", "identity_id", "moment_us"),
    Index(
        "ix_contacts_open",
        "expires_us",
        sqlite_where=text("standing = 'reserved'"),
        postgresql_where=text("standing = 'reserved'"),
    ),
)
"""Uses of attention. Like an event, a contact belongs to whoever has its identity now; ``customer_id`` is whom it
meant. ``zone`` and ``policy`` (a document's fingerprint) are those under which it was granted; ``offers``,
``categories`` and ``purposes`` are JSON lists."""

CONTACT_CHANGES = Table(
    "contact_changes",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("contact_id", Text, primary_key=True),
    Column("was", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("moment_us", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_contact_changes_contact", "contact_id"),
)
"""Every change of where a contact stands. That it was granted is told by ``contacts``; what was never granted begins
with a change from nothing (``was`` is empty)."""

COUNTERS = Table(
    "counters",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("taken", Double, nullable=False),
)
"""What is used up of each shared stock, capacity and budget: ``takes`` whose contact has not been given back."""

TAKES = Table(
    "takes",
    METADATA,
    Column("take_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("amount", Double, nullable=False),
    Column("contact_id", Text, index=True),
)
"""Without a contact it is gone for good, unless a take of as much below zero puts it back."""

HOLDS = Table(
    "holds",
    METADATA,
    Column("hold_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("amount", Double, nullable=False),
    Column("contact_id", Text, index=True),
    Column("decision_id", Text, nullable=False, index=True),
    Column("identity_id", BigInteger, nullable=False, index=True),
    Column("offer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text),
    Column("since_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("settled", Text),
    Index("ix_holds_open", "until_us", sqlite_where=text("settled IS NULL"), postgresql_where=text("settled IS NULL")),
)
"""Part of a budget that a grant took for its incentive. An event of this kind, about the offer or in the category,
shows that it was used; ``settled`` says what came of it once the time for that was over."""

FOLLOW_UPS = Table(
    "follow_ups",
    METADATA,
    Column("contact_id", Text, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("offer_id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("unless", Text, nullable=False),
    Column("due_us", BigInteger, nullable=False, index=True),
    Column("claimed_us", BigInteger),
    Column("decision_id", Text, index=True),
    Column("cancelled", Text),
)
"""What is to be decided again after a contact; ``unless`` is a JSON list of kinds of event, ``cancelled`` says what
happened. Whoever decides claims it first."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("audit_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("customer_id", Text, index=True),
    Column("detail", Text, nullable=False),
)

CONSENTS = Table(
    "consents",
    METADATA,
    Column("consent_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("proof", Text),
)
"""Statements; the one with the highest ``consent_id`` holds per purpose and channel (empty: every channel)."""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("at_us", BigInteger, nullable=False, index=True),
    Column("request", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("names", Text, nullable=False),
    Column("pairs", Text, nullable=False),
    Column("matrix", LargeBinary, nullable=False),
    Column("basis", Text, nullable=False, server_default=""),
    Column("findings", Text, nullable=False, server_default=""),
    Column("digest", Text, nullable=False, server_default=""),
    Column("state", LargeBinary),
    Column("packed", LargeBinary),
)
"""``packed`` holds names, matrix (what the models saw of the items) and findings; older builds kept these in columns of
their own, the matrix as zlib of float32 little-endian ``[n_names, n_pairs]``. ``state`` is the customer's, packed;
``digest`` is over all the rest. Decisions of the oldest builds have neither basis nor digest."""

KEYS = Table(
    "keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
)
"""Only digests of keys are kept."""

DOCUMENTS = Table(
    "documents",
    METADATA,
    Column("document_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Index("ix_documents_name", "name", "document_id"),
)
"""Every version of a document that came into force, in that order; one that comes back has a row again."""

TOMBSTONES = Table(
    "tombstones",
    METADATA,
    Column("tombstone", Text, primary_key=True),
    Column("noun", Text, nullable=False),
    Column("erased_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("counts", Text, nullable=False),
)
"""What remains of the erased: a random name for a customer, a digest for a random decision id, and how much went."""

ANSWERS = Table(
    "answers",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False, index=True),
    Column("customers", Text, nullable=False),
)
"""Answers given under an ``Idempotency-Key``: digests of caller and key, and of the body."""

SENDS = Table(
    "sends",
    METADATA,
    Column("identity_id", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign", Text, primary_key=True),
    Column("send", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("decision_id", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False, index=True),
)
"""What was decided for one send of a campaign, of whoever has the identity now."""

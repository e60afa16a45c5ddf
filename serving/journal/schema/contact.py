"""Contacts, where they stand, and what follows them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, text

from serving.journal.schema.metadata import METADATA

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

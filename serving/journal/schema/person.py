"""Whose identities are whose, what they allow, and what is left of the erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from serving.journal.schema.metadata import METADATA, ROW_ID

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

ERASURES = Table(
    "erasures",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("erased", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="one_row"),
)
"""How many customers were erased. Who erases writes alone: so a decision is kept before an erasure, which then takes it
along, or knows of it."""

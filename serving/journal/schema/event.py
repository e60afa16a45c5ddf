"""What happened, in the order in which it was written down."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from serving.journal.schema.metadata import METADATA, ROW_ID

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

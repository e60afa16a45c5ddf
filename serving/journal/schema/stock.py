"""What is shared by all customers, and what contacts took of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Table, Text, text

from serving.journal.schema.metadata import METADATA, ROW_ID

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

"""What those who run the service did, the keys they have and the documents that they put into force."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from serving.journal.schema.metadata import METADATA, ROW_ID

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

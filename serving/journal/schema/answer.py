"""What was decided and answered."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from serving.journal.schema.metadata import METADATA

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
"""``packed`` holds what was answered, the customer's state, names, matrix (what the models saw of the items), findings
and basis; older builds kept some or all of these in columns of their own, the matrix as zlib of float32 little-endian
``[n_names, n_pairs]``. ``digest`` is over all the rest. The oldest builds kept neither basis nor digest."""

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

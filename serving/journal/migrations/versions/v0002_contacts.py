"""Contacts, what changed of them, what they use up, and what follows them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the column that says when a customer's contacts changed."""
    op.add_column("customers", sa.Column("booked", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("moment_us", sa.BigInteger(), nullable=False),
        sa.Column("granted_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("offers", sa.Text(), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_decision_id"), "contacts", ["decision_id"], unique=False)
    op.create_index("ix_contacts_identity", "contacts", ["identity_id", "moment_us"], unique=False)
    unsettled = sa.text("standing = 'reserved'")
    op.create_index(
        "ix_contacts_open",
        "contacts",
        ["expires_us"],
        unique=False,
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.create_table(
        "contact_changes",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("moment_us", sa.BigInteger(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", "contact_id", name=op.f("pk_contact_changes")),
    )
    op.create_index("ix_contact_changes_contact", "contact_changes", ["contact_id"], unique=False)
    op.create_table(
        "counters",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("taken", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_counters")),
    )
    op.create_table(
        "takes",
        sa.Column("take_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("take_id", name=op.f("pk_takes")),
    )
    op.create_index(op.f("ix_takes_contact_id"), "takes", ["contact_id"], unique=False)
    op.create_table(
        "follow_ups",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("unless", sa.Text(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("claimed_us", sa.BigInteger(), nullable=True),
        sa.Column("decision_id", sa.Text(), nullable=True),
        sa.Column("cancelled", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "place", name=op.f("pk_follow_ups")),
    )
    op.create_index(op.f("ix_follow_ups_due_us"), "follow_ups", ["due_us"], unique=False)


def downgrade() -> None:
    """Drop them with all that is in them."""
    for name in ("follow_ups", "takes", "counters", "contact_changes", "contacts"):
        op.drop_table(name)
    op.drop_column("customers", "booked")

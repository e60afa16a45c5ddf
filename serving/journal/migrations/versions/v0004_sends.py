"""What was decided for one send of a campaign."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sends",
        sa.Column("identity_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("send", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", "campaign", "send", "channel", name=op.f("pk_sends")),
    )
    op.create_index(op.f("ix_sends_at_us"), "sends", ["at_us"], unique=False)


def downgrade() -> None:
    """Drop it with all that is in it."""
    op.drop_table("sends")

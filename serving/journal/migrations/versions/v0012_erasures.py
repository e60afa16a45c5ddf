"""Erasures are counted, so that a decision that was begun before one of them is not kept after it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count, which begins anew: nothing that is under way now is known to a service that is to start."""
    erasures = op.create_table(
        "erasures",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("erased", sa.BigInteger, nullable=False),
        sa.CheckConstraint("one = 1", name="ck_erasures_one_row"),
    )
    op.bulk_insert(erasures, [{"one": 1, "erased": 0}])


def downgrade() -> None:
    """Remove the count."""
    op.drop_table("erasures")

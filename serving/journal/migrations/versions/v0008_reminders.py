"""The follow-up that a decision was made for is found without going through all of them."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_follow_ups_decision_id", "follow_ups", ["decision_id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_follow_ups_decision_id", "follow_ups")

"""What a customer did lately of some kinds is found without going through the whole history."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_events_kind", "events", ["identity_id", "kind", "occurred_us"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_events_kind", "events")

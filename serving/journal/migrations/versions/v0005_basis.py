"""What a decision rests on and what exactly was found, with a digest over all that is kept of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; decisions made before have none of it."""
    for name in ("basis", "findings", "digest"):
        op.add_column("decisions", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("decisions", sa.Column("state", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in ("state", "digest", "findings", "basis"):
        op.drop_column("decisions", name)

"""What only a replay needs of a decision is kept in one piece."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; decisions made before keep their own columns for it, and their own seal."""
    op.add_column("decisions", sa.Column("packed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("decisions", "packed")

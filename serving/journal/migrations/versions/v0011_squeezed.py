"""What was answered is kept compressed beside what only a replay needs: builds before this cannot read it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table: an older build is to say that a newer one wrote the journal, and not to misread decisions."""


def downgrade() -> None:
    """Change no table.

    Raises:
        RuntimeError: Decisions are kept in a form that the older build does not know.
    """
    newer = sa.text("SELECT count(*) FROM decisions WHERE answer = ''")
    if found := op.get_bind().execute(newer).scalar_one():
        raise RuntimeError(f"{found} decisions are in a form that an older build cannot read: keep this one")

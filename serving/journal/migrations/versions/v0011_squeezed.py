"""What was answered is kept compressed beside what only a replay needs: builds before this cannot read it."""

from __future__ import annotations

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table: an older build is to say that a newer one wrote the journal, and not to misread decisions."""


def downgrade() -> None:
    """Change no table; decisions in the newer form are refused by the older build."""

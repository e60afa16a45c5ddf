"""A journal has a name, so that another one in its place is not taken for it."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Name it."""
    op.add_column("head", sa.Column("name", sa.Text(), server_default="", nullable=False))
    op.execute(sa.text("UPDATE head SET name = :name").bindparams(name=secrets.token_hex(8)))


def downgrade() -> None:
    """Drop the name."""
    op.drop_column("head", "name")

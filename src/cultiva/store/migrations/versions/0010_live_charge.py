"""What touches that are held have been charged, so that it can be returned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "live_charge",
        sa.Column("touch_id", sa.String(length=40), nullable=False),
        sa.Column("resource", sa.String(length=200), nullable=False, comment="as in live_use"),
        sa.Column("day", sa.Date(), nullable=False, comment="the bank's day that was charged"),
        sa.Column("units", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("touch_id", "resource", name=op.f("pk_live_charge")),
    )


def downgrade() -> None:
    op.drop_table("live_charge")

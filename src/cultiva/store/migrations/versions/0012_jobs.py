"""Long work that people have asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.String(length=40), nullable=True, comment="what only one open job may have; null: ended"),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False, comment="login"),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, comment="language -> what it is at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=False, comment="empty object: nothing yet"),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("second", sa.String(length=100), nullable=False, comment="login of who said yes; empty: nobody"),
        sa.CheckConstraint(
            "state in ('proposed', 'waiting', 'running', 'done', 'failed', 'stopped')", name=op.f("ck_job_state")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job")),
        sa.UniqueConstraint("slot", name="uq_job_slot"),
    )
    op.create_index("ix_job_kind", "job", ["kind", "asked_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_job_kind", table_name="job")
    op.drop_table("job")

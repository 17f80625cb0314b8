"""Drafts of definitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("draft_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, comment="of the definition"),
        sa.Column("file", sa.String(length=400), nullable=False, comment="relative to the workspace"),
        sa.Column("body", sa.Text(), nullable=False, comment="the definition as YAML"),
        sa.Column("base_text", sa.Text(), nullable=False, comment="what the file said when it was begun; empty: new"),
        sa.Column("base_hash", sa.String(length=64), nullable=False, comment="of the live definition then; empty: new"),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False, comment="login"),
        sa.Column("judge", sa.String(length=100), nullable=False, comment="login; empty: nobody yet"),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('segment', 'strategy')", name=op.f("ck_draft_kind")),
        sa.CheckConstraint(
            "state in ('draft', 'submitted', 'approved', 'rejected', 'published', 'withdrawn')",
            name=op.f("ck_draft_state"),
        ),
        sa.PrimaryKeyConstraint("draft_id", name=op.f("pk_draft")),
    )
    op.create_index("ix_draft_name", "draft", ["kind", "name"], unique=False)
    op.create_index("ix_draft_state", "draft", ["state", "changed"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_draft_state", table_name="draft")
    op.drop_index("ix_draft_name", table_name="draft")
    op.drop_table("draft")

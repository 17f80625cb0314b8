"""Whom a key sees; who was shown personal data of whom, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "branches",
                sa.Text(),
                nullable=True,
                comment="whose customers it sees; null, as are advisers: the whole bank",
            )
        )
        batch_op.add_column(sa.Column("advisers", sa.Text(), nullable=True, comment="whose customers it sees"))
    op.create_table(
        "unmasking",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="in the bank's time zone"),
        sa.Column("number", sa.Integer(), nullable=False, comment="of that person on that day, from 1"),
        sa.Column("name", sa.String(length=100), nullable=False, comment="the person's, as in the audit"),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", "number", name=op.f("pk_unmasking")),
    )
    with op.batch_alter_table("unmasking", schema=None) as batch_op:
        batch_op.create_index("ix_unmasking_customer", ["customer_id", "until"], unique=False)
        batch_op.create_index("ix_unmasking_at", ["at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("unmasking", schema=None) as batch_op:
        batch_op.drop_index("ix_unmasking_at")
        batch_op.drop_index("ix_unmasking_customer")

    op.drop_table("unmasking")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_column("advisers")
        batch_op.drop_column("branches")

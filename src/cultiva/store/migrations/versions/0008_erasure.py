"""Erasure: orders, tombstones, holds; who gave a word of consent through what; an audit that the database guards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REFUSED = "the audit is append-only"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False, comment="how many customers"),
        sa.Column(
            "work", sa.Text(), nullable=False, comment="who is erased, while it is being done; emptied at the end"
        ),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("certificate", sa.Text(), nullable=False, comment="empty object: not finished"),
        sa.Column("seal", sa.String(length=64), nullable=False, comment="sha-256 of the certificate, as in the audit"),
        sa.CheckConstraint("state in ('begun', 'done')", name=op.f("ck_erasure_state")),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasure")),
    )
    op.create_table(
        "erasure_count",
        sa.Column("erasure_id", sa.String(length=40), nullable=False),
        sa.Column(
            "place",
            sa.String(length=400),
            nullable=False,
            comment="lake/<table>/<date>, store/<table>, file/<path> ...",
        ),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("act in ('removed', 'unlinked', 'mended')", name=op.f("ck_erasure_count_act")),
        sa.PrimaryKeyConstraint("erasure_id", "place", "act", name=op.f("pk_erasure_count")),
    )
    op.create_table(
        "tombstone",
        sa.Column("kind", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False, comment="keyed hash; see contracts/erased.py"),
        sa.Column(
            "against",
            sa.String(length=32),
            nullable=False,
            comment="keyed hash of the person's id number; empty: none",
        ),
        sa.Column("erasure_id", sa.String(length=40), nullable=False),
        sa.Column("key_name", sa.String(length=32), nullable=False, comment="names the key without telling it"),
        sa.PrimaryKeyConstraint("kind", "digest", "against", name=op.f("pk_tombstone")),
    )
    op.create_index("ix_tombstone_erasure_id", "tombstone", ["erasure_id"], unique=False)
    op.create_table(
        "legal_hold",
        sa.Column("hold_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(length=100), nullable=False),
        sa.Column("placed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.Date(), nullable=True, comment="the last day; null: until it is lifted"),
        sa.Column("lifted", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=100), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_legal_hold")),
    )
    op.create_index("ix_legal_hold_customer_id", "legal_hold", ["customer_id"], unique=False)
    with op.batch_alter_table("consent_change", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "actor",
                sa.String(length=100),
                server_default="",
                nullable=False,
                comment="who wrote it down; empty: not known",
            )
        )
        batch_op.add_column(
            sa.Column(
                "through",
                sa.String(length=40),
                server_default="",
                nullable=False,
                comment="api, provider, console ...; empty: ?",
            )
        )
        batch_op.add_column(
            sa.Column(
                "recorded",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="when it was written down; null: not known",
            )
        )
    _guard_audit()


def _guard_audit() -> None:
    """Nobody who only speaks SQL changes a line: who wants to must first remove the guard, which leaves a trace."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(
                f"create trigger audit_no_{act} before {act} on audit begin select raise(abort, '{REFUSED}'); end"
            )
        return
    op.execute(
        "create function audit_refuse() returns trigger language plpgsql as "
        f"$$ begin raise exception '{REFUSED}'; end $$"
    )
    op.execute(
        "create trigger audit_no_change before update or delete on audit for each row execute function audit_refuse()"
    )
    op.execute(
        "create trigger audit_no_truncate before truncate on audit for each statement execute function audit_refuse()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(f"drop trigger audit_no_{act}")
    else:
        op.execute("drop trigger audit_no_change on audit")
        op.execute("drop trigger audit_no_truncate on audit")
        op.execute("drop function audit_refuse()")
    with op.batch_alter_table("consent_change", schema=None) as batch_op:
        for name in ("recorded", "through", "actor"):
            batch_op.drop_column(name)
    op.drop_index("ix_legal_hold_customer_id", table_name="legal_hold")
    op.drop_table("legal_hold")
    op.drop_index("ix_tombstone_erasure_id", table_name="tombstone")
    op.drop_table("tombstone")
    op.drop_table("erasure_count")
    op.drop_table("erasure")

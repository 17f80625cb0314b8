"""the first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "definition",
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "content_hash", name=op.f("pk_definition")),
    )
    op.create_table(
        "identity_change",
        sa.Column("change_id", sa.String(length=60), nullable=False, comment="run and number within it"),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('merge', 'split')", name=op.f("ck_identity_change_kind")),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_identity_change")),
    )
    with op.batch_alter_table("identity_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_change_business_date"), ["business_date"], unique=False)
        batch_op.create_index(batch_op.f("ix_identity_change_run_id"), ["run_id"], unique=False)

    op.create_table(
        "identity_next",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("next_id > 0", name=op.f("ck_identity_next_positive")),
        sa.CheckConstraint("slot = 1", name=op.f("ck_identity_next_one_row")),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_identity_next")),
    )
    op.create_table(
        "identity_range",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=63), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("id_count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("first_id > 0 and id_count >= 0", name=op.f("ck_identity_range_positive")),
        sa.PrimaryKeyConstraint("run_id", "step", name=op.f("pk_identity_range")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False, comment="empty: nobody has it"),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("born", sa.String(length=32), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="counts the runs of one business date"),
        sa.Column("workspace_version", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('running', 'finished', 'failed', 'abandoned')", name=op.f("ck_run_state")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
        sa.UniqueConstraint("business_date", "number", name=op.f("uq_run_business_date_number")),
    )
    op.create_table(
        "snapshot",
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=63), nullable=False),
        sa.Column("published", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_snapshot")),
    )
    with op.batch_alter_table("snapshot", schema=None) as batch_op:
        batch_op.create_index("ix_snapshot_run_id", ["run_id"], unique=False)

    op.create_table(
        "workspace_version",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_workspace_version")),
    )
    op.create_table(
        "identity_change_member",
        sa.Column("change_id", sa.String(length=60), nullable=False),
        sa.Column("side", sa.String(length=4), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.CheckConstraint("side in ('from', 'to')", name=op.f("ck_identity_change_member_side")),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["identity_change.change_id"],
            name=op.f("fk_identity_change_member_change_id_identity_change"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("change_id", "side", "customer_id", name=op.f("pk_identity_change_member")),
    )
    with op.batch_alter_table("identity_change_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_change_member_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "run_step",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('running', 'finished', 'failed')", name=op.f("ck_run_step_state")),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=op.f("fk_run_step_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "name", name=op.f("pk_run_step")),
    )
    op.create_table(
        "snapshot_pointer",
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["path"], ["snapshot.path"], name=op.f("fk_snapshot_pointer_path_snapshot")),
        sa.PrimaryKeyConstraint("table_name", "business_date", name=op.f("pk_snapshot_pointer")),
        sa.UniqueConstraint("path", name=op.f("uq_snapshot_pointer_path")),
    )
    op.create_table(
        "workspace_definition",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind", "name", "content_hash"],
            ["definition.kind", "definition.name", "definition.content_hash"],
            name="fk_workspace_definition_definition",
        ),
        sa.ForeignKeyConstraint(
            ["version"], ["workspace_version.version"], name=op.f("fk_workspace_definition_version_workspace_version")
        ),
        sa.PrimaryKeyConstraint("version", "kind", "name", name=op.f("pk_workspace_definition")),
    )


def downgrade() -> None:
    op.drop_table("workspace_definition")
    op.drop_table("snapshot_pointer")
    op.drop_table("run_step")
    with op.batch_alter_table("identity_change_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_change_member_customer_id"))

    op.drop_table("identity_change_member")
    op.drop_table("workspace_version")
    with op.batch_alter_table("snapshot", schema=None) as batch_op:
        batch_op.drop_index("ix_snapshot_run_id")

    op.drop_table("snapshot")
    op.drop_table("run")
    op.drop_table("lease")
    op.drop_table("identity_range")
    op.drop_table("identity_next")
    with op.batch_alter_table("identity_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_change_run_id"))
        batch_op.drop_index(batch_op.f("ix_identity_change_business_date"))

    op.drop_table("identity_change")
    op.drop_table("definition")

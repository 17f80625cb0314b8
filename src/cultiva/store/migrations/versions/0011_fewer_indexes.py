"""Fewer indexes where plays write: journeys by customer first, the outbox by launch, few rows in the others."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

DELIVERY_STATES = "'queued', 'sending', 'sent', 'delivered', 'failed', 'dead', 'unknown', 'cancelled'"
UNIQUE = ["launch_id", "step", "customer_id", "entry", "channel"]


def upgrade() -> None:
    with _journey() as batch_op:
        batch_op.drop_index("ix_journey_customer_id")
        batch_op.drop_constraint("pk_journey", type_="primary")
        batch_op.create_primary_key("pk_journey", ["customer_id", "launch_id", "entry"])
    with _delivery() as batch_op:
        batch_op.drop_constraint(op.f("uq_delivery_launch_id_step_customer_id_entry_channel"), type_="unique")
        batch_op.drop_index("ix_delivery_reference")
        batch_op.drop_index("ix_delivery_due")
        batch_op.create_index("ix_delivery_due", ["launch_id", "state", "provider", "due"], unique=False)
    _few("ix_delivery_leaving", ["provider", "leased_until"], "state = 'sending'")
    _few("ix_delivery_letter", ["state", "delivery_id"], "state in ('dead', 'unknown')")
    _few("ix_delivery_reference", ["provider", "reference"], "reference <> ''")


def downgrade() -> None:
    for name in ("ix_delivery_leaving", "ix_delivery_letter", "ix_delivery_reference"):
        op.drop_index(name, table_name="delivery")
    with _delivery() as batch_op:
        batch_op.drop_index("ix_delivery_due")
        batch_op.create_index("ix_delivery_due", ["state", "provider", "launch_id", "due"], unique=False)
        batch_op.create_index("ix_delivery_reference", ["provider", "reference"], unique=False)
        batch_op.create_unique_constraint(op.f("uq_delivery_launch_id_step_customer_id_entry_channel"), UNIQUE)
    with _journey() as batch_op:
        batch_op.drop_constraint("pk_journey", type_="primary")
        batch_op.create_primary_key("pk_journey", ["launch_id", "customer_id", "entry"])
        batch_op.create_index("ix_journey_customer_id", ["customer_id"], unique=False)


def _few(name: str, columns: list[str], only: str) -> None:
    op.create_index(name, "delivery", columns, unique=False, postgresql_where=sa.text(only), sqlite_where=sa.text(only))


def _journey() -> AbstractContextManager[BatchOperations]:  # SQLite writes the table anew and does not see its checks
    check = sa.CheckConstraint("state in ('active', 'done', 'exited')", name=op.f("ck_journey_state"))
    return op.batch_alter_table("journey", schema=None, table_args=(check,))


def _delivery() -> AbstractContextManager[BatchOperations]:
    check = sa.CheckConstraint(f"state in ({DELIVERY_STATES})", name=op.f("ck_delivery_state"))
    return op.batch_alter_table("delivery", schema=None, table_args=(check,))

"""Whose address is it: every address of a customer in a table of its own."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_A_TIME = 5_000


def upgrade() -> None:
    table = op.create_table(
        "recipient_address",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=63), nullable=False, comment="* for phone and e-mail"),
        sa.PrimaryKeyConstraint("customer_id", "address", "channel", name=op.f("pk_recipient_address")),
    )
    with op.batch_alter_table("recipient_address", schema=None) as batch_op:
        batch_op.create_index("ix_recipient_address_address", ["address"], unique=False)
    _fill(table)


def _fill(table: sa.Table) -> None:
    connection, last = op.get_bind(), -(2**62)
    known = sa.table("recipient", *(sa.column(name) for name in ("customer_id", "phone", "email", "handles")))
    while True:
        asked = sa.select(known).where(known.c.customer_id > last).order_by(known.c.customer_id).limit(AT_A_TIME)
        rows = connection.execute(asked).all()
        if not rows:
            return
        last = rows[-1].customer_id
        found = set()
        for row in rows:
            found |= {(row.customer_id, address, "*") for address in (row.phone, row.email) if address}
            handles = json.loads(row.handles) if isinstance(row.handles, str) else row.handles
            found |= {(row.customer_id, address, channel) for channel, address in handles.items() if address}
        if found:
            names = ("customer_id", "address", "channel")
            connection.execute(table.insert(), [dict(zip(names, one, strict=True)) for one in sorted(found)])


def downgrade() -> None:
    with op.batch_alter_table("recipient_address", schema=None) as batch_op:
        batch_op.drop_index("ix_recipient_address_address")

    op.drop_table("recipient_address")

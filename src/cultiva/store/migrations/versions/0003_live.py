"""Live: firings, feeds, impressions, events that wait or were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_quarantine",
        sa.Column(
            "quarantine_id",
            sa.String(length=40),
            nullable=False,
            comment="hash of sender and body, so that a repeat is one",
        ),
        sa.Column("message_id", sa.String(length=200), nullable=False, comment="empty: it had none"),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False, comment="of the event, as sent"),
        sa.Column("sender", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_event_quarantine")),
    )
    with op.batch_alter_table("event_quarantine", schema=None) as batch_op:
        batch_op.create_index("ix_event_quarantine_reason", ["reason", "name"], unique=False)
        batch_op.create_index("ix_event_quarantine_received", ["received", "reason"], unique=False)

    op.create_table(
        "event_waiting",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("anonymous_id", sa.String(length=200), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_event_waiting")),
    )
    with op.batch_alter_table("event_waiting", schema=None) as batch_op:
        batch_op.create_index("ix_event_waiting_anonymous_id", ["anonymous_id"], unique=False)
        batch_op.create_index("ix_event_waiting_received", ["received"], unique=False)

    op.create_table(
        "firing",
        sa.Column(
            "firing_id", sa.String(length=40), nullable=False, comment="hash of trigger, customer and message_id"
        ),
        sa.Column("trigger", sa.String(length=63), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False, comment="content hash of the trigger's definition"),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False, comment="of the event that began it"),
        sa.Column("event", sa.String(length=63), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when that event happened"),
        sa.Column(
            "due",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the trigger had to fire: then, or when a wait was over",
        ),
        sa.Column("fired", sa.DateTime(timezone=True), nullable=False, comment="when it did"),
        sa.Column("effect", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False, comment="strategy, kind of task or placement"),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=63), nullable=False, comment="why nothing was started"),
        sa.Column(
            "made_id",
            sa.String(length=40),
            nullable=False,
            comment="launch whose play was entered, or task; empty: none",
        ),
        sa.Column("story", sa.Text(), nullable=False, comment="the event, and why: clause by clause"),
        sa.CheckConstraint("effect in ('play', 'task', 'placement')", name=op.f("ck_firing_effect")),
        sa.CheckConstraint("state in ('started', 'refused', 'expired', 'withdrawn')", name=op.f("ck_firing_state")),
        sa.PrimaryKeyConstraint("firing_id", name=op.f("pk_firing")),
    )
    with op.batch_alter_table("firing", schema=None) as batch_op:
        batch_op.create_index("ix_firing_customer_id", ["customer_id"], unique=False)
        batch_op.create_index("ix_firing_trigger", ["trigger", "due"], unique=False)

    op.create_table(
        "impression",
        sa.Column("impression_id", sa.String(length=40), nullable=False, comment="hash of what makes it one"),
        sa.Column("decision_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("placement", sa.String(length=63), nullable=False),
        sa.Column("strategy", sa.String(length=200), nullable=False),
        sa.Column("offer", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False, comment="shown, clicked, dismissed, converted"),
        sa.PrimaryKeyConstraint("impression_id", name=op.f("pk_impression")),
    )
    with op.batch_alter_table("impression", schema=None) as batch_op:
        batch_op.create_index("ix_impression_customer_id", ["customer_id", "placement", "at"], unique=False)
        batch_op.create_index("ix_impression_decision_id", ["decision_id"], unique=False)

    op.create_table(
        "live_use",
        sa.Column(
            "resource",
            sa.String(length=200),
            nullable=False,
            comment="as in the lake's table price: a resource or a pool",
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="the bank's day"),
        sa.Column("used", sa.Float(), nullable=False, comment="units that live decisions have used"),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("resource", "day", name=op.f("pk_live_use")),
    )
    op.create_table(
        "placement_feed",
        sa.Column("firing_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("placement", sa.String(length=63), nullable=False),
        sa.Column("strategy", sa.String(length=200), nullable=False),
        sa.Column("offer", sa.String(length=200), nullable=False, comment="empty: the strategy's own choice"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False, comment="not shown after"),
        sa.PrimaryKeyConstraint("firing_id", name=op.f("pk_placement_feed")),
    )
    with op.batch_alter_table("placement_feed", schema=None) as batch_op:
        batch_op.create_index("ix_placement_feed_customer_id", ["customer_id", "placement", "expires"], unique=False)

    op.create_table(
        "visitor",
        sa.Column("anonymous_id", sa.String(length=200), nullable=False),
        sa.Column("source_system", sa.String(length=63), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when they said who they are; the newest word counts",
        ),
        sa.PrimaryKeyConstraint("anonymous_id", name=op.f("pk_visitor")),
    )


def downgrade() -> None:
    op.drop_table("visitor")
    with op.batch_alter_table("placement_feed", schema=None) as batch_op:
        batch_op.drop_index("ix_placement_feed_customer_id")

    op.drop_table("placement_feed")
    with op.batch_alter_table("impression", schema=None) as batch_op:
        batch_op.drop_index("ix_impression_decision_id")
        batch_op.drop_index("ix_impression_customer_id")

    op.drop_table("impression")
    op.drop_table("live_use")
    with op.batch_alter_table("firing", schema=None) as batch_op:
        batch_op.drop_index("ix_firing_trigger")
        batch_op.drop_index("ix_firing_customer_id")

    op.drop_table("firing")
    with op.batch_alter_table("event_waiting", schema=None) as batch_op:
        batch_op.drop_index("ix_event_waiting_received")
        batch_op.drop_index("ix_event_waiting_anonymous_id")

    op.drop_table("event_waiting")
    with op.batch_alter_table("event_quarantine", schema=None) as batch_op:
        batch_op.drop_index("ix_event_quarantine_received")
        batch_op.drop_index("ix_event_quarantine_reason")

    op.drop_table("event_quarantine")

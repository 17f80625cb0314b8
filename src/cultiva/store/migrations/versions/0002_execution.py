"""execution."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enrolment",
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column(
            "begun",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the instant at which they entered, whenever it is finished",
        ),
        sa.Column("people", sa.Integer(), nullable=True, comment="who entered; null: not finished yet"),
        sa.PrimaryKeyConstraint("launch_id", "business_date", name=op.f("pk_enrolment")),
    )
    op.create_table(
        "absence",
        sa.Column("staff_id", sa.String(length=63), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("cover_id", sa.String(length=63), nullable=False, comment="empty: the role's queue"),
        sa.PrimaryKeyConstraint("staff_id", "first_day", name=op.f("pk_absence")),
    )
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="sha-256 of the key; the key itself is not kept"
        ),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("per_minute_max", sa.Integer(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
    )
    op.create_table(
        "approval",
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("approver", sa.String(length=100), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False, comment="of the launch that was judged"),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("launch_id", "approver", "version", name=op.f("pk_approval")),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), nullable=False, comment="without gaps, from 1"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=63), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False, comment="<kind>:<id>"),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column(
            "previous", sa.String(length=64), nullable=False, comment="hash of the line before; empty: the first"
        ),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_subject"), ["subject"], unique=False)

    op.create_table(
        "benefit_grant",
        sa.Column("grant_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=63), nullable=False),
        sa.Column("offer", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('granted', 'used', 'expired', 'revoked')", name=op.f("ck_benefit_grant_state")),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_benefit_grant")),
    )
    with op.batch_alter_table("benefit_grant", schema=None) as batch_op:
        batch_op.create_index("ix_benefit_grant_customer_id", ["customer_id"], unique=False)

    op.create_table(
        "consent_change",
        sa.Column("change_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=63), nullable=False, comment="* for every channel"),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_consent_change")),
    )
    with op.batch_alter_table("consent_change", schema=None) as batch_op:
        batch_op.create_index("ix_consent_change_customer_id", ["customer_id"], unique=False)

    op.create_table(
        "delivery",
        sa.Column(
            "delivery_id", sa.String(length=40), nullable=False, comment="also the idempotency key for the provider"
        ),
        sa.Column("touch_id", sa.String(length=40), nullable=False),
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=63), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=63), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="rendered: subject, text, html, headers ..."),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True, comment="not sent after"),
        sa.Column("lease", sa.String(length=40), nullable=False, comment="who sends it; empty: nobody"),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=False, comment="the provider's own id"),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False, comment="of an unknown fate"),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('queued', 'sending', 'sent', 'delivered', 'failed', 'dead', 'unknown', 'cancelled')",
            name=op.f("ck_delivery_state"),
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "launch_id",
            "step",
            "customer_id",
            "entry",
            "channel",
            name=op.f("uq_delivery_launch_id_step_customer_id_entry_channel"),
        ),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_due", ["state", "provider", "launch_id", "due"], unique=False)
        batch_op.create_index("ix_delivery_reference", ["provider", "reference"], unique=False)
        batch_op.create_index("ix_delivery_touch_id", ["touch_id"], unique=False)

    op.create_table(
        "halt",
        sa.Column("scope", sa.String(length=200), nullable=False, comment="all, channel:<name>, strategy:<name>"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_halt")),
    )
    op.create_table(
        "journey",
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "entry",
            sa.SmallInteger(),
            autoincrement=False,
            nullable=False,
            comment="1, 2 ... where re-entry is allowed",
        ),
        sa.Column("version", sa.String(length=16), nullable=False, comment="of the play"),
        sa.Column("step", sa.SmallInteger(), nullable=False, comment="number of the step in that version"),
        sa.Column("part", sa.SmallInteger(), nullable=False, comment="0 to PARTITIONS - 1"),
        sa.Column("draw", sa.Integer(), nullable=False, comment="0 to 2**31 - 2; splits are drawn from it"),
        sa.Column("zone", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=63), nullable=False, comment="why it ended"),
        sa.Column("channel", sa.String(length=63), nullable=False, comment="decided"),
        sa.Column("offer", sa.String(length=200), nullable=False, comment="decided"),
        sa.Column("worth", sa.Float(), nullable=False),
        sa.Column("entered", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="at this step"),
        sa.Column(
            "wave",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the last wave went; answers count from then",
        ),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False, comment="moves on then at the latest"),
        sa.CheckConstraint("state in ('active', 'done', 'exited')", name=op.f("ck_journey_state")),
        sa.PrimaryKeyConstraint("launch_id", "customer_id", "entry", name=op.f("pk_journey")),
    )
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.create_index("ix_journey_customer_id", ["customer_id"], unique=False)
        batch_op.create_index("ix_journey_due", ["launch_id", "state", "part", "step", "due"], unique=False)

    op.create_table(
        "play_version",
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False, comment="content hash of `graph`"),
        sa.Column("graph", sa.Text(), nullable=False),
        sa.Column("zones", sa.Text(), nullable=False, comment="time zones of the people who were enrolled in it"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("launch_id", "version", name=op.f("pk_play_version")),
    )
    op.create_table(
        "play_ear",
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("heard", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("launch_id", "part", name=op.f("pk_play_ear")),
    )
    op.create_table(
        "launch",
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("strategy", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False, comment="content hash of `body`"),
        sa.Column("workspace_version", sa.String(length=64), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False, comment="of the plan that was explained"),
        sa.Column("enrols", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False, comment="planned, minor units"),
        sa.Column("body", sa.Text(), nullable=False, comment="strategy, play, offers and content as approved"),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("per_minute_max", sa.Integer(), nullable=True, comment="throttle over all channels; None: none"),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("enrols in ('once', 'daily')", name=op.f("ck_launch_enrols")),
        sa.CheckConstraint(
            "state in ('submitted', 'rejected', 'approved', 'live', 'paused', 'stopped', 'finished')",
            name=op.f("ck_launch_state"),
        ),
        sa.PrimaryKeyConstraint("launch_id", name=op.f("pk_launch")),
    )
    op.create_table(
        "provider_rate",
        sa.Column("provider", sa.String(length=63), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_rate")),
    )
    op.create_table(
        "receipt",
        sa.Column(
            "receipt_id",
            sa.String(length=64),
            nullable=False,
            comment="the provider's id of the report, or a hash of it",
        ),
        sa.Column("provider", sa.String(length=63), nullable=False),
        sa.Column("delivery_id", sa.String(length=40), nullable=False, comment="empty: matched to none"),
        sa.Column("kind", sa.String(length=63), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_receipt")),
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipt_delivery_id"), ["delivery_id"], unique=False)

    op.create_table(
        "recipient",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("branch_id", sa.String(length=63), nullable=True),
        sa.Column("adviser_id", sa.String(length=63), nullable=True),
        sa.Column("zone", sa.String(length=63), nullable=False, comment="IANA name of the customer's time zone"),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False, comment="empty: none"),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("handles", sa.Text(), nullable=False, comment="further addresses: channel -> address"),
        sa.Column("channels", sa.Text(), nullable=False, comment="channels open by consent on the business date"),
        sa.Column(
            "suppressed_by", sa.String(length=63), nullable=False, comment="suppression in force on it; empty: none"
        ),
        sa.Column("business_date", sa.Date(), nullable=False, comment="of the profile it comes from"),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_recipient")),
    )
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recipient_household_id"), ["household_id"], unique=False)

    op.create_table(
        "request_key",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False, comment="0: being worked on"),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name=op.f("pk_request_key")),
    )
    op.create_table(
        "request_rate",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_request_rate")),
    )
    op.create_table(
        "signal",
        sa.Column("signal_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "name",
            sa.String(length=63),
            nullable=False,
            comment="delivered, opened, clicked, replied, converted, opted_out ...",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True, comment="minor units"),
        sa.Column("touch_id", sa.String(length=40), nullable=False, comment="empty: of no touch of ours"),
        sa.Column("source", sa.String(length=63), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", name=op.f("pk_signal")),
    )
    with op.batch_alter_table("signal", schema=None) as batch_op:
        batch_op.create_index("ix_signal_customer_id", ["customer_id", "name", "at"], unique=False)
        batch_op.create_index("ix_signal_received", ["received"], unique=False)

    op.create_table(
        "staff_member",
        sa.Column("staff_id", sa.String(length=63), nullable=False),
        sa.Column("branch_id", sa.String(length=63), nullable=False),
        sa.Column("role", sa.String(length=63), nullable=False),
        sa.Column("contacts_per_week_max", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_member")),
    )
    op.create_table(
        "standstill",
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False, comment="of the suppression, e.g. open_complaint"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "name", name=op.f("pk_standstill")),
    )
    op.create_table(
        "task",
        sa.Column("task_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column(
            "role",
            sa.String(length=40),
            nullable=False,
            comment="who may take it: adviser, remote, lobby, teller, manager",
        ),
        sa.Column("branch_id", sa.String(length=63), nullable=False),
        sa.Column("staff_id", sa.String(length=63), nullable=False, comment="whose it is; empty: the role's queue"),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("step", sa.String(length=63), nullable=False),
        sa.Column("touch_id", sa.String(length=40), nullable=False),
        sa.Column("strategy", sa.String(length=200), nullable=False),
        sa.Column("offer", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=63), nullable=False),
        sa.Column("worth", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("worded", sa.SmallInteger(), server_default="0", nullable=False, comment="1: facts are filled in"),
        sa.Column("best_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("best_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.Column("escalated", sa.SmallInteger(), nullable=False, comment="escalation steps taken"),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False, comment="tries without an answer"),
        sa.Column(
            "promised",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="moment promised to the customer for a call back",
        ),
        sa.Column(
            "offer_stage",
            sa.SmallInteger(),
            server_default="0",
            nullable=False,
            comment="of a hand-over, see tasks.states",
        ),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True, comment="when a hand-over must be accepted"),
        sa.Column(
            "sender_id",
            sa.String(length=63),
            server_default="",
            nullable=False,
            comment="whose it was before the hand-over",
        ),
        sa.Column("sender_role", sa.String(length=40), server_default="", nullable=False),
        sa.Column("sender_branch", sa.String(length=63), server_default="", nullable=False),
        sa.Column("parent_id", sa.String(length=40), server_default="", nullable=False, comment="task that it follows"),
        sa.Column(
            "changes",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="events so far; guards against lost updates",
        ),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('open', 'accepted', 'done', 'cancelled', 'expired')", name=op.f("ck_task_state")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("ix_task_customer_id", ["customer_id"], unique=False)
        batch_op.create_index("ix_task_queue", ["state", "role", "branch_id", "staff_id"], unique=False)
        batch_op.create_index("ix_task_staff_id", ["staff_id", "state"], unique=False)
        batch_op.create_index("ix_task_due", ["state", "kind", "due"], unique=False)
        batch_op.create_index("ix_task_answer_by", ["answer_by"], unique=False)

    op.create_table(
        "task_event",
        sa.Column("event_id", sa.String(length=40), nullable=False),
        sa.Column("task_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), server_default="0", nullable=False, comment="1, 2 ... within its task"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_task_event")),
    )
    with op.batch_alter_table("task_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_event_task_id"), ["task_id"], unique=False)

    op.create_table(
        "touch",
        sa.Column("touch_id", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.String(length=63), nullable=False),
        sa.Column("offer", sa.String(length=200), nullable=False),
        sa.Column("strategy", sa.String(length=200), nullable=False),
        sa.Column("launch_id", sa.String(length=40), nullable=False, comment="empty: none, e.g. a live decision"),
        sa.Column("step", sa.String(length=63), nullable=False),
        sa.Column("worth", sa.Float(), nullable=False, comment="money; the more valuable touch wins"),
        sa.Column("counts_on", sa.Date(), nullable=False, comment="the customer's local day"),
        sa.Column("exempt", sa.Boolean(), nullable=False, comment="service: counts against no cap"),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True, comment="of a reservation"),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('reserved', 'confirmed', 'released', 'expired', 'outbid')", name=op.f("ck_touch_state")
        ),
        sa.PrimaryKeyConstraint("touch_id", name=op.f("pk_touch")),
    )
    with op.batch_alter_table("touch", schema=None) as batch_op:
        batch_op.create_index("ix_touch_customer_id", ["customer_id", "counts_on"], unique=False)
        batch_op.create_index("ix_touch_household_id", ["household_id", "counts_on"], unique=False)
        batch_op.create_index("ix_touch_state", ["state", "expires"], unique=False)

    op.create_table(
        "touch_lock",
        sa.Column(
            "key_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="customer_id or household_id",
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_touch_lock")),
    )


def downgrade() -> None:
    op.drop_table("touch_lock")
    with op.batch_alter_table("touch", schema=None) as batch_op:
        batch_op.drop_index("ix_touch_state")
        batch_op.drop_index("ix_touch_household_id")
        batch_op.drop_index("ix_touch_customer_id")

    op.drop_table("touch")
    with op.batch_alter_table("task_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_event_task_id"))

    op.drop_table("task_event")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index("ix_task_answer_by")
        batch_op.drop_index("ix_task_due")
        batch_op.drop_index("ix_task_staff_id")
        batch_op.drop_index("ix_task_queue")
        batch_op.drop_index("ix_task_customer_id")

    op.drop_table("task")
    op.drop_table("standstill")
    op.drop_table("staff_member")
    with op.batch_alter_table("signal", schema=None) as batch_op:
        batch_op.drop_index("ix_signal_received")
        batch_op.drop_index("ix_signal_customer_id")

    op.drop_table("signal")
    op.drop_table("request_rate")
    op.drop_table("request_key")
    with op.batch_alter_table("recipient", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recipient_household_id"))

    op.drop_table("recipient")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipt_delivery_id"))

    op.drop_table("receipt")
    op.drop_table("provider_rate")
    op.drop_table("play_ear")
    op.drop_table("play_version")
    op.drop_table("launch")
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.drop_index("ix_journey_due")
        batch_op.drop_index("ix_journey_customer_id")

    op.drop_table("journey")
    op.drop_table("halt")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_touch_id")
        batch_op.drop_index("ix_delivery_reference")
        batch_op.drop_index("ix_delivery_due")

    op.drop_table("delivery")
    with op.batch_alter_table("consent_change", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_change_customer_id")

    op.drop_table("consent_change")
    with op.batch_alter_table("benefit_grant", schema=None) as batch_op:
        batch_op.drop_index("ix_benefit_grant_customer_id")

    op.drop_table("benefit_grant")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_subject"))

    op.drop_table("audit")
    op.drop_table("approval")
    op.drop_table("api_key")
    op.drop_table("absence")

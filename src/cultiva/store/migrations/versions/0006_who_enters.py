"""Who enters the console: users, sessions, second factors, failures, ways to a provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_user",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False, comment="as typed"),
        sa.Column(
            "login_key", sa.String(length=100), nullable=False, comment="the login, folded, so that case is nothing"
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.String(length=63), nullable=True, comment="null: no member of staff of the lake"),
        sa.Column("branches", sa.Text(), nullable=False),
        sa.Column(
            "region", sa.String(length=63), nullable=False, comment="empty: none; else every branch below it is seen"
        ),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column(
            "password_hash", sa.String(length=255), nullable=False, comment="argon2id; empty: enters by OIDC only"
        ),
        sa.Column(
            "password_once", sa.Boolean(), nullable=False, comment="made by somebody else: must be changed on entering"
        ),
        sa.Column(
            "second_secret", sa.String(length=255), nullable=False, comment="of TOTP, sealed; empty: no second factor"
        ),
        sa.Column("second_step", sa.BigInteger(), nullable=False, comment="last time step whose code was taken"),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered", sa.DateTime(timezone=True), nullable=True, comment="last time"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_console_user")),
        sa.UniqueConstraint("login_key", name=op.f("uq_console_user_login_key")),
    )
    op.create_table(
        "console_identity",
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_console_identity")),
    )
    op.create_index("ix_console_identity_user_id", "console_identity", ["user_id"])
    op.create_table(
        "console_recovery",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="sha-256 of the code"),
        sa.PrimaryKeyConstraint("user_id", "hash", name=op.f("pk_console_recovery")),
    )
    op.create_table(
        "console_session",
        sa.Column(
            "token_hash",
            sa.String(length=64),
            nullable=False,
            comment="sha-256 of the token; the token itself is not kept",
        ),
        sa.Column("session_id", sa.String(length=40), nullable=False, comment="names it where it is listed"),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column(
            "asks", sa.String(length=10), nullable=False, comment="what is still asked before it is open; empty: open"
        ),
        sa.Column(
            "offered", sa.String(length=255), nullable=False, comment="sealed TOTP secret that is not confirmed yet"
        ),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "sure_at", sa.DateTime(timezone=True), nullable=True, comment="when somebody last proved who they are"
        ),
        sa.CheckConstraint("asks in ('', 'password', 'second', 'enrol')", name=op.f("ck_console_session_asks")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_session")),
        sa.UniqueConstraint("session_id", name=op.f("uq_console_session_session_id")),
    )
    op.create_index("ix_console_session_began", "console_session", ["began"])
    op.create_index("ix_console_session_user_id", "console_session", ["user_id"])
    op.create_table(
        "console_failure",
        sa.Column("name", sa.String(length=80), nullable=False, comment="what is counted, and sha-256 of whose it is"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="since the last lock"),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="of the last one"),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True, comment="shut so long"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_console_failure")),
    )
    op.create_index("ix_console_failure_at", "console_failure", ["at"])
    op.create_table(
        "console_flow",
        sa.Column("flow_hash", sa.String(length=64), nullable=False, comment="sha-256 of what the browser holds"),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False, comment="of PKCE"),
        sa.Column("target", sa.String(length=500), nullable=False, comment="page to show afterwards"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("flow_hash", name=op.f("pk_console_flow")),
    )
    op.create_index("ix_console_flow_at", "console_flow", ["at"])


def downgrade() -> None:
    op.drop_table("console_flow")
    op.drop_table("console_failure")
    op.drop_table("console_session")
    op.drop_table("console_recovery")
    op.drop_table("console_identity")
    op.drop_table("console_user")

"""The tables of those who use the console, in the store; only `repository.py` writes SQL on them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, String, Table

from cultiva.store.columns import JsonText, UtcDateTime
from cultiva.store.tables import METADATA

CONSOLE_USER = Table(
    "console_user",
    METADATA,
    Column("user_id", String(40), primary_key=True),
    Column("login", String(100), nullable=False, comment="as typed"),
    Column("login_key", String(100), nullable=False, unique=True, comment="the login, folded, so that case is nothing"),
    Column("name", String(200), nullable=False),
    Column("roles", JsonText, nullable=False),
    Column("staff_id", String(63), comment="null: no member of staff of the lake"),
    Column("branches", JsonText, nullable=False),
    Column("region", String(63), nullable=False, comment="empty: none; else every branch below it is seen"),
    Column("language", String(2), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password_hash", String(255), nullable=False, comment="argon2id; empty: enters by OIDC only"),
    Column("password_once", Boolean, nullable=False, comment="made by somebody else: must be changed on entering"),
    Column("second_secret", String(255), nullable=False, comment="of TOTP, sealed; empty: no second factor"),
    Column("second_step", BigInteger, nullable=False, comment="last time step whose code was taken"),
    Column("created", UtcDateTime, nullable=False),
    Column("entered", UtcDateTime, comment="last time"),
)
"""Who uses the console."""

CONSOLE_IDENTITY = Table(
    "console_identity",
    METADATA,
    Column("issuer", String(200), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("user_id", String(40), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
)
"""By which name an OIDC provider knows a user."""

CONSOLE_RECOVERY = Table(
    "console_recovery",
    METADATA,
    Column("user_id", String(40), primary_key=True),
    Column("hash", String(64), primary_key=True, comment="sha-256 of the code"),
)
"""Recovery codes that were not used yet."""

CONSOLE_SESSION = Table(
    "console_session",
    METADATA,
    Column("token_hash", String(64), primary_key=True, comment="sha-256 of the token; the token itself is not kept"),
    Column("session_id", String(40), nullable=False, unique=True, comment="names it where it is listed"),
    Column("user_id", String(40), nullable=False, index=True),
    Column("asks", String(10), nullable=False, comment="what is still asked before it is open; empty: open"),
    Column("offered", String(255), nullable=False, comment="sealed TOTP secret that is not confirmed yet"),
    Column("address", String(64), nullable=False),
    Column("began", UtcDateTime, nullable=False),
    Column("seen", UtcDateTime, nullable=False),
    Column("sure_at", UtcDateTime, comment="when somebody last proved who they are"),
    CheckConstraint("asks in ('', 'password', 'second', 'enrol')", name="asks"),
    Index("ix_console_session_began", "began"),
)
"""Who is in, and who stands between two doors."""

CONSOLE_FAILURE = Table(
    "console_failure",
    METADATA,
    Column("name", String(80), primary_key=True, comment="what is counted, and sha-256 of whose it is"),
    Column("failures", Integer, nullable=False, comment="since the last lock"),
    Column("locks", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False, comment="of the last one"),
    Column("until", UtcDateTime, comment="shut so long"),
    Index("ix_console_failure_at", "at"),
)
"""Failed attempts to enter, shared by all copies of the console."""

CONSOLE_FLOW = Table(
    "console_flow",
    METADATA,
    Column("flow_hash", String(64), primary_key=True, comment="sha-256 of what the browser holds"),
    Column("state", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False, comment="of PKCE"),
    Column("target", String(500), nullable=False, comment="page to show afterwards"),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_console_flow_at", "at"),
)
"""Ways to an OIDC provider from which somebody has not come back yet."""

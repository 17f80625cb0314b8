"""The tables of execution, in the store; only files named `repository.py` write SQL on them.

Ids are texts made from what they are about (`kit.hashing.content_hash` and the like), so that a step done twice writes
the same row once. Money is in minor units. Every customer-facing row names its launch, step and customer.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)

import cultiva.execution.access.entering.tables  # noqa: F401 -- whoever asks for all tables gets those too
from cultiva.store.columns import JsonText, UtcDateTime
from cultiva.store.tables import METADATA

PARTITIONS = 64
"""Customers are split into this many parts by `kit.hashing.draw("partition", customer_id)`."""


def _customer(*, key: bool = False) -> Column[int]:
    return Column("customer_id", BigInteger, primary_key=key, autoincrement=False, nullable=False)


def _few(name: str, *columns: str, only: str) -> Index:
    """An index of those rows of which something holds; a query has to say the same to use it."""
    return Index(name, *columns, postgresql_where=text(only), sqlite_where=text(only))


LAUNCH = Table(
    "launch",
    METADATA,
    Column("launch_id", String(40), primary_key=True),
    Column("strategy", String(200), nullable=False),
    Column("version", String(16), nullable=False, comment="content hash of `body`"),
    Column("workspace_version", String(64), nullable=False),
    Column("business_date", Date, nullable=False, comment="of the plan that was explained"),
    Column("enrols", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("author", String(100), nullable=False),
    Column("cost", BigInteger, nullable=False, comment="planned, minor units"),
    Column("body", JsonText, nullable=False, comment="strategy, play, offers and content as approved"),
    Column("explanation", JsonText, nullable=False),
    Column("per_minute_max", Integer, comment="throttle over all channels; None: none"),
    Column("created", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    CheckConstraint("enrols in ('once', 'daily')", name="enrols"),
    CheckConstraint(
        "state in ('submitted', 'rejected', 'approved', 'live', 'paused', 'stopped', 'finished')", name="state"
    ),
)
"""A strategy put forward, approved, and carried out."""

APPROVAL = Table(
    "approval",
    METADATA,
    Column("launch_id", String(40), primary_key=True),
    Column("approver", String(100), primary_key=True),
    Column("version", String(16), primary_key=True, comment="of the launch that was judged"),
    Column("role", String(40), nullable=False),
    Column("approved", Boolean, nullable=False),
    Column("remark", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""What a second person said of a launch."""

HALT = Table(
    "halt",
    METADATA,
    Column("scope", String(200), primary_key=True, comment="all, channel:<name>, strategy:<name>"),
    Column("reason", Text, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Emergency stops in force; while a row is there, nothing within its scope is sent."""

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, comment="without gaps, from 1"),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("action", String(63), nullable=False),
    Column("subject", String(200), nullable=False, index=True, comment="<kind>:<id>"),
    Column("detail", JsonText, nullable=False),
    Column("previous", String(64), nullable=False, comment="hash of the line before; empty: the first"),
    Column("hash", String(64), nullable=False),
)
"""Who did what, line after line, each sealed with the hash of the one before."""

RECIPIENT = Table(
    "recipient",
    METADATA,
    _customer(key=True),
    Column("household_id", BigInteger, index=True),
    Column("branch_id", String(63)),
    Column("adviser_id", String(63)),
    Column("zone", String(63), nullable=False, comment="IANA name of the customer's time zone"),
    Column("language", String(2), nullable=False),
    Column("name", String(200), nullable=False),
    Column("phone", String(40), nullable=False, comment="empty: none"),
    Column("email", String(200), nullable=False),
    Column("handles", JsonText, nullable=False, comment="further addresses: channel -> address"),
    Column("channels", JsonText, nullable=False, comment="channels open by consent on the business date"),
    Column("suppressed_by", String(63), nullable=False, comment="suppression in force on it; empty: none"),
    Column("business_date", Date, nullable=False, comment="of the profile it comes from"),
)
"""What execution has to know of a customer who is in a play; refreshed from the lake every night."""

RECIPIENT_ADDRESS = Table(
    "recipient_address",
    METADATA,
    _customer(key=True),
    Column("address", String(200), primary_key=True),
    Column("channel", String(63), primary_key=True, comment="* for phone and e-mail"),
    Index("ix_recipient_address_address", "address"),
)
"""Whose address it is: phone, e-mail, and those on single channels (WeCom id, device); written with `recipient`."""

CONSENT_CHANGE = Table(
    "consent_change",
    METADATA,
    Column("change_id", String(40), primary_key=True),
    _customer(),
    Column("channel", String(63), nullable=False, comment="* for every channel"),
    Column("granted", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("actor", String(100), nullable=False, server_default="", comment="who wrote it down; empty: not known"),
    Column("through", String(40), nullable=False, server_default="", comment="api, provider, console ...; empty: ?"),
    Column("recorded", UtcDateTime, comment="when it was written down; null: not known"),
    Index("ix_consent_change_customer_id", "customer_id"),
)
"""Consent given or withdrawn since, every word of it; the newest one counts over `recipient.channels`."""

STANDSTILL = Table(
    "standstill",
    METADATA,
    _customer(key=True),
    Column("name", String(63), primary_key=True, comment="of the suppression, e.g. open_complaint"),
    Column("at", UtcDateTime, nullable=False),
    Column("lifted", UtcDateTime),
)
"""Suppressions that began since the last profile: complaint opened, fraud hold."""

TOUCH = Table(
    "touch",
    METADATA,
    Column("touch_id", String(40), primary_key=True),
    _customer(),
    Column("household_id", BigInteger),
    Column("channel", String(63), nullable=False),
    Column("offer", String(200), nullable=False),
    Column("strategy", String(200), nullable=False),
    Column("launch_id", String(40), nullable=False, comment="empty: none, e.g. a live decision"),
    Column("step", String(63), nullable=False),
    Column("worth", Float, nullable=False, comment="money; the more valuable touch wins"),
    Column("counts_on", Date, nullable=False, comment="the customer's local day"),
    Column("exempt", Boolean, nullable=False, comment="service: counts against no cap"),
    Column("state", String(10), nullable=False),
    Column("expires", UtcDateTime, comment="of a reservation"),
    Column("changed", UtcDateTime, nullable=False),
    CheckConstraint("state in ('reserved', 'confirmed', 'released', 'expired', 'outbid')", name="state"),
    Index("ix_touch_customer_id", "customer_id", "counts_on"),
    Index("ix_touch_household_id", "household_id", "counts_on"),
    Index("ix_touch_state", "state", "expires"),
)
"""The contact budget: every use of a customer's attention, over all channels."""

TOUCH_LOCK = Table(
    "touch_lock",
    METADATA,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False, comment="customer_id or household_id"),
)
"""Whose budget is being decided on: a row per customer and household, locked in order on PostgreSQL, never changed."""

JOURNEY = Table(
    "journey",
    METADATA,
    _customer(key=True),
    Column("launch_id", String(40), primary_key=True),
    Column("entry", SmallInteger, primary_key=True, autoincrement=False, comment="1, 2 ... where re-entry is allowed"),
    Column("version", String(16), nullable=False, comment="of the play"),
    Column("step", SmallInteger, nullable=False, comment="number of the step in that version"),
    Column("part", SmallInteger, nullable=False, comment="0 to PARTITIONS - 1"),
    Column("draw", Integer, nullable=False, comment="0 to 2**31 - 2; splits are drawn from it"),
    Column("zone", String(63), nullable=False),
    Column("state", String(10), nullable=False),
    Column("reason", String(63), nullable=False, comment="why it ended"),
    Column("channel", String(63), nullable=False, comment="decided"),
    Column("offer", String(200), nullable=False, comment="decided"),
    Column("worth", Float, nullable=False),
    Column("entered", UtcDateTime, nullable=False),
    Column("since", UtcDateTime, nullable=False, comment="at this step"),
    Column("wave", UtcDateTime, nullable=False, comment="when the last wave went; answers count from then"),
    Column("due", UtcDateTime, nullable=False, comment="moves on then at the latest"),
    CheckConstraint("state in ('active', 'done', 'exited')", name="state"),
    Index("ix_journey_due", "launch_id", "state", "part", "step", "due"),
)
"""One person's way through a play."""

PLAY_VERSION = Table(
    "play_version",
    METADATA,
    Column("launch_id", String(40), primary_key=True),
    Column("version", String(16), primary_key=True, comment="content hash of `graph`"),
    Column("graph", JsonText, nullable=False),
    Column("zones", JsonText, nullable=False, comment="time zones of the people who were enrolled in it"),
    Column("at", UtcDateTime, nullable=False),
)
"""Versions of a launch's play that people are or were in."""

PLAY_EAR = Table(
    "play_ear",
    METADATA,
    Column("launch_id", String(40), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("heard", UtcDateTime, nullable=False),
)
"""Up to when signals have been listened to, by part."""

SIGNAL = Table(
    "signal",
    METADATA,
    Column("signal_id", String(40), primary_key=True),
    _customer(),
    Column("name", String(63), nullable=False, comment="delivered, opened, clicked, replied, converted, opted_out ..."),
    Column("at", UtcDateTime, nullable=False),
    Column("amount", BigInteger, comment="minor units"),
    Column("touch_id", String(40), nullable=False, comment="empty: of no touch of ours"),
    Column("source", String(63), nullable=False),
    Column("detail", JsonText, nullable=False),
    Column("received", UtcDateTime, nullable=False),
    Index("ix_signal_customer_id", "customer_id", "name", "at"),
    Index("ix_signal_received", "received"),
)
"""What customers answered and did, as plays wait for it; goes to the lake as outcomes."""

DELIVERY = Table(
    "delivery",
    METADATA,
    Column("delivery_id", String(40), primary_key=True, comment="also the idempotency key for the provider"),
    Column("touch_id", String(40), nullable=False),
    Column("launch_id", String(40), nullable=False),
    Column("step", String(63), nullable=False),
    _customer(),
    Column("entry", SmallInteger, nullable=False),
    Column("channel", String(63), nullable=False),
    Column("provider", String(63), nullable=False),
    Column("address", String(200), nullable=False),
    Column("content", JsonText, nullable=False, comment="rendered: subject, text, html, headers ..."),
    Column("state", String(10), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, comment="not sent after"),
    Column("lease", String(40), nullable=False, comment="who sends it; empty: nobody"),
    Column("leased_until", UtcDateTime),
    Column("reference", String(200), nullable=False, comment="the provider's own id"),
    Column("problem", Text, nullable=False),
    Column("evidence", JsonText, nullable=False, comment="of an unknown fate"),
    Column("created", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    CheckConstraint(
        "state in ('queued', 'sending', 'sent', 'delivered', 'failed', 'dead', 'unknown', 'cancelled')", name="state"
    ),
    Index("ix_delivery_due", "launch_id", "state", "provider", "due"),
    _few("ix_delivery_leaving", "provider", "leased_until", only="state = 'sending'"),
    _few("ix_delivery_letter", "state", "delivery_id", only="state in ('dead', 'unknown')"),
    _few("ix_delivery_reference", "provider", "reference", only="reference <> ''"),
    Index("ix_delivery_touch_id", "touch_id"),
)
"""The outbox: one row per launch, step, person and entry; its key is the hash of those, so there is never a second."""

PROVIDER_RATE = Table(
    "provider_rate",
    METADATA,
    Column("provider", String(63), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Token buckets that all workers share."""

RECEIPT = Table(
    "receipt",
    METADATA,
    Column("receipt_id", String(64), primary_key=True, comment="the provider's id of the report, or a hash of it"),
    Column("provider", String(63), nullable=False),
    Column("delivery_id", String(40), nullable=False, index=True, comment="empty: matched to none"),
    Column("kind", String(63), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", JsonText, nullable=False),
    Column("received", UtcDateTime, nullable=False),
)
"""Reports of providers, each taken once."""

TASK = Table(
    "task",
    METADATA,
    Column("task_id", String(40), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("role", String(40), nullable=False, comment="who may take it: adviser, remote, lobby, teller, manager"),
    Column("branch_id", String(63), nullable=False),
    Column("staff_id", String(63), nullable=False, comment="whose it is; empty: the role's queue"),
    _customer(),
    Column("launch_id", String(40), nullable=False),
    Column("step", String(63), nullable=False),
    Column("touch_id", String(40), nullable=False),
    Column("strategy", String(200), nullable=False),
    Column("offer", String(200), nullable=False),
    Column("channel", String(63), nullable=False),
    Column("worth", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("script", Text, nullable=False),
    Column("worded", SmallInteger, nullable=False, server_default="0", comment="1: facts are filled in"),
    Column("best_from", UtcDateTime),
    Column("best_to", UtcDateTime),
    Column("due", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("result", String(40), nullable=False),
    Column("escalated", SmallInteger, nullable=False, comment="escalation steps taken"),
    Column("attempts", SmallInteger, nullable=False, server_default="0", comment="tries without an answer"),
    Column("promised", UtcDateTime, comment="moment promised to the customer for a call back"),
    Column("offer_stage", SmallInteger, nullable=False, server_default="0", comment="of a hand-over, see tasks.states"),
    Column("answer_by", UtcDateTime, comment="when a hand-over must be accepted"),
    Column("sender_id", String(63), nullable=False, server_default="", comment="whose it was before the hand-over"),
    Column("sender_role", String(40), nullable=False, server_default=""),
    Column("sender_branch", String(63), nullable=False, server_default=""),
    Column("parent_id", String(40), nullable=False, server_default="", comment="task that it follows"),
    Column(
        "changes", Integer, nullable=False, server_default="0", comment="events so far; guards against lost updates"
    ),
    Column("created", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    CheckConstraint("state in ('open', 'accepted', 'done', 'cancelled', 'expired')", name="state"),
    Index("ix_task_queue", "state", "role", "branch_id", "staff_id"),
    Index("ix_task_staff_id", "staff_id", "state"),
    Index("ix_task_due", "state", "kind", "due"),
    Index("ix_task_answer_by", "answer_by"),
    Index("ix_task_customer_id", "customer_id"),
)
"""Work for a person."""

TASK_EVENT = Table(
    "task_event",
    METADATA,
    Column("event_id", String(40), primary_key=True),
    Column("task_id", String(40), nullable=False, index=True),
    Column("number", Integer, nullable=False, server_default="0", comment="1, 2 ... within its task"),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("action", String(40), nullable=False),
    Column("detail", JsonText, nullable=False),
)
"""What happened to a task."""

STAFF_MEMBER = Table(
    "staff_member",
    METADATA,
    Column("staff_id", String(63), primary_key=True),
    Column("branch_id", String(63), nullable=False),
    Column("role", String(63), nullable=False),
    Column("contacts_per_week_max", Integer, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("name", String(200), nullable=False, server_default="", comment="empty: not known"),
)
"""People who do tasks; refreshed from the lake every night."""

ABSENCE = Table(
    "absence",
    METADATA,
    Column("staff_id", String(63), primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    Column("cover_id", String(63), nullable=False, comment="empty: the role's queue"),
)
"""Who is away, and who stands in."""

GRANT = Table(
    "benefit_grant",
    METADATA,
    Column("grant_id", String(40), primary_key=True),
    _customer(),
    Column("launch_id", String(40), nullable=False),
    Column("step", String(63), nullable=False),
    Column("offer", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("state in ('granted', 'used', 'expired', 'revoked')", name="state"),
    Index("ix_benefit_grant_customer_id", "customer_id"),
)
"""Benefits given by plays."""

API_KEY = Table(
    "api_key",
    METADATA,
    Column("key_id", String(40), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("hash", String(64), nullable=False, unique=True, comment="sha-256 of the key; the key itself is not kept"),
    Column("scopes", JsonText, nullable=False),
    Column("per_minute_max", Integer, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime),
    Column("revoked", UtcDateTime),
    Column("branches", JsonText, comment="whose customers it sees; null, as are advisers: the whole bank"),
    Column("advisers", JsonText, comment="whose customers it sees"),
)
"""Who may call the API, and what for."""

UNMASKING = Table(
    "unmasking",
    METADATA,
    Column("user_id", String(40), primary_key=True),
    Column("day", Date, primary_key=True, comment="in the bank's time zone"),
    Column("number", Integer, primary_key=True, comment="of that person on that day, from 1"),
    Column("name", String(100), nullable=False, comment="the person's, as in the audit"),
    _customer(),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Index("ix_unmasking_customer", "customer_id", "until"),
    Index("ix_unmasking_at", "at"),
)
"""Who was shown personal data of whom, and why."""

REQUEST_KEY = Table(
    "request_key",
    METADATA,
    Column("key_id", String(40), primary_key=True),
    Column("idempotency_key", String(200), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False, comment="0: being worked on"),
    Column("body", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Requests that were answered, so that a repeated one gets the same answer."""

REQUEST_RATE = Table(
    "request_rate",
    METADATA,
    Column("key_id", String(40), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""Token buckets of API keys, shared by all copies of the API."""

ENROLMENT = Table(
    "enrolment",
    METADATA,
    Column("launch_id", String(40), primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("begun", UtcDateTime, nullable=False, comment="the instant at which they entered, whenever it is finished"),
    Column("people", Integer, comment="who entered; null: not finished yet"),
)
"""Days whose chosen customers have entered a launch's play, each once."""

FIRING = Table(
    "firing",
    METADATA,
    Column("firing_id", String(40), primary_key=True, comment="hash of trigger, customer and message_id"),
    Column("trigger", String(63), nullable=False),
    Column("version", String(16), nullable=False, comment="content hash of the trigger's definition"),
    _customer(),
    Column("message_id", String(200), nullable=False, comment="of the event that began it"),
    Column("event", String(63), nullable=False),
    Column("at", UtcDateTime, nullable=False, comment="when that event happened"),
    Column("due", UtcDateTime, nullable=False, comment="when the trigger had to fire: then, or when a wait was over"),
    Column("fired", UtcDateTime, nullable=False, comment="when it did"),
    Column("effect", String(10), nullable=False),
    Column("target", String(200), nullable=False, comment="strategy, kind of task or placement"),
    Column("state", String(10), nullable=False),
    Column("reason", String(63), nullable=False, comment="why nothing was started"),
    Column("made_id", String(40), nullable=False, comment="launch whose play was entered, or task; empty: none"),
    Column("story", JsonText, nullable=False, comment="the event, and why: clause by clause"),
    CheckConstraint("effect in ('play', 'task', 'placement')", name="effect"),
    CheckConstraint("state in ('started', 'refused', 'expired', 'withdrawn')", name="state"),
    Index("ix_firing_trigger", "trigger", "due"),
    Index("ix_firing_customer_id", "customer_id"),
)
"""Every time a trigger fired, what came of it, and why."""

PLACEMENT_FEED = Table(
    "placement_feed",
    METADATA,
    Column("firing_id", String(40), primary_key=True),
    _customer(),
    Column("placement", String(63), nullable=False),
    Column("strategy", String(200), nullable=False),
    Column("offer", String(200), nullable=False, comment="empty: the strategy's own choice"),
    Column("at", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, nullable=False, comment="not shown after"),
    Index("ix_placement_feed_customer_id", "customer_id", "placement", "expires"),
)
"""What triggers want to have shown in a slot of the app: candidates of the next decision."""

IMPRESSION = Table(
    "impression",
    METADATA,
    Column("impression_id", String(40), primary_key=True, comment="hash of what makes it one"),
    Column("decision_id", String(40), nullable=False),
    _customer(),
    Column("placement", String(63), nullable=False),
    Column("strategy", String(200), nullable=False),
    Column("offer", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(20), nullable=False, comment="shown, clicked, dismissed, converted"),
    Index("ix_impression_customer_id", "customer_id", "placement", "at"),
    Index("ix_impression_decision_id", "decision_id"),
)
"""What customers saw in slots, and what they did with it."""

EVENT_QUARANTINE = Table(
    "event_quarantine",
    METADATA,
    Column("quarantine_id", String(40), primary_key=True, comment="hash of sender and body, so that a repeat is one"),
    Column("message_id", String(200), nullable=False, comment="empty: it had none"),
    Column("received", UtcDateTime, nullable=False),
    Column("reason", String(63), nullable=False),
    Column("name", String(200), nullable=False, comment="of the event, as sent"),
    Column("sender", String(100), nullable=False),
    Column("body", JsonText, nullable=False),
    Index("ix_event_quarantine_received", "received", "reason"),
    Index("ix_event_quarantine_reason", "reason", "name"),
)
"""Events that could not be accepted, and why."""

EVENT_WAITING = Table(
    "event_waiting",
    METADATA,
    Column("message_id", String(200), primary_key=True),
    Column("anonymous_id", String(200), nullable=False),
    Column("received", UtcDateTime, nullable=False),
    Column("body", JsonText, nullable=False),
    Index("ix_event_waiting_anonymous_id", "anonymous_id"),
    Index("ix_event_waiting_received", "received"),
)
"""Events of visitors of whom nobody knows yet who they are."""

VISITOR = Table(
    "visitor",
    METADATA,
    Column("anonymous_id", String(200), primary_key=True),
    Column("source_system", String(63), nullable=False),
    Column("source_id", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False, comment="when they said who they are; the newest word counts"),
)
"""Who a visitor turned out to be."""

LIVE_USE = Table(
    "live_use",
    METADATA,
    Column("resource", String(200), primary_key=True, comment="as in the lake's table price: a resource or a pool"),
    Column("day", Date, primary_key=True, comment="the bank's day"),
    Column("used", Float, nullable=False, comment="units that live decisions have used"),
    Column("changed", UtcDateTime, nullable=False),
)
"""What live decisions have used of a day's scarce resources."""

LIVE_CHARGE = Table(
    "live_charge",
    METADATA,
    Column("touch_id", String(40), primary_key=True),
    Column("resource", String(200), primary_key=True, comment="as in live_use"),
    Column("day", Date, nullable=False, comment="the bank's day that was charged"),
    Column("units", Float, nullable=False),
)
"""What touches that are held have been charged; a row goes when its touch is done, given back or has run out."""

"""How many contacts the policy still leaves a customer on the day after the newest run, cap by cap.

What counts is what the night's plan counts: the contact history, what earlier plans chose and the history does not show
yet, and the touches that execution has reserved or made since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from cultiva.contracts.sight import Sight
from cultiva.definitions.policy import Cap
from cultiva.execution.budget.service import Budget
from cultiva.insight.identity.keys import PARTY_KEY
from cultiva.loop.parts import Parts
from cultiva.loop.person.around import home_of
from cultiva.loop.person.rows import records_of, scanned
from cultiva.loop.seeing import sees


@dataclass(frozen=True)
class Use:
    """A touch that counts."""

    customer_id: int
    on: date
    channel: str
    offer: str


@dataclass(frozen=True)
class Left:
    """What one cap leaves."""

    cap: Cap
    subject: str
    """The channel or offer counted; empty: every touch."""
    used: int

    @property
    def left(self) -> int:
        """Contacts that are left."""
        return max(0, self.cap.contacts_max - self.used)


def room_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> tuple[Left, ...]:
    """What the policy's caps leave a customer; of caps on single offers those that something was used of.

    Args:
        parts: Of the workspace.
        customer_id: Who; nothing of who is out of sight.
        on: Business date of the newest run.
        sight: Of whoever asks.
    """
    if not sees(parts, customer_id, sight):
        return ()
    caps, day = parts.workspace.policy.caps, on + timedelta(days=1)
    home = home_of(parts, customer_id, on) if any(cap.scope == "household" for cap in caps) else [customer_id]
    touching = {one.name for one in parts.workspace.policy.channels if one.touch}
    uses = [one for one in _uses(parts, home, on) if one.channel in touching]
    return tuple(
        Left(cap, subject, sum(_counts(one, cap, subject, customer_id, day) for one in uses))
        for cap in caps
        for subject in _subjects(cap, parts, uses, customer_id)
    )


def _counts(one: Use, cap: Cap, subject: str, customer_id: int, day: date) -> bool:
    whose = cap.scope == "household" or one.customer_id == customer_id
    what = not subject or subject == (one.channel if cap.scope == "channel" else one.offer)
    return whose and what and abs((day - one.on).days) < cap.days


def _subjects(cap: Cap, parts: Parts, uses: list[Use], customer_id: int) -> list[str]:
    if cap.scope == "channel":
        return [cap.channel] if cap.channel else [one.name for one in parts.workspace.policy.channels if one.touch]
    if cap.scope == "offer":
        return sorted({one.offer for one in uses if one.offer and one.customer_id == customer_id})
    return [""]


def _uses(parts: Parts, ids: list[int], on: date) -> Iterator[Use]:
    longest = max((cap.days for cap in parts.workspace.policy.caps), default=1)
    since = on + timedelta(days=1 - longest)
    recorded = _recorded(parts, ids, on)
    shown = {(row["customer_id"], row["strategy"], row["offer"]) for row in recorded}
    for row in recorded:
        if row["on"] >= since:
            yield Use(row["customer_id"], row["on"], row["channel"] or "", row["offer"] or "")
    for row in _chosen(parts, ids, on, since):
        if (row["customer_id"], row["strategy"], row["offer"]) not in shown:
            yield Use(row["customer_id"], row["business_date"], row["channel"] or "", row["offer"] or "")
    known = {row["touch_id"] for row in recorded}
    for touch in Budget.of(parts.store.database, parts.workspace.policy).near(ids, on + timedelta(days=1)):
        if touch.touch_id not in known:
            yield Use(touch.customer_id, touch.counts_on, touch.channel, touch.offer)


def _recorded(parts: Parts, ids: list[int], on: date) -> list[dict[str, Any]]:
    files = parts.lake.files_history("contact", on)
    if not files:
        return []
    mine = records_of(parts, ids, on).lazy()
    held = scanned(files).filter(pl.col("status").is_null() | (pl.col("status") != "failed"))
    rows = held.join(mine, on=list(PARTY_KEY), how="inner").with_columns(pl.col("at").dt.date().alias("on"))
    return rows.select("customer_id", "touch_id", "on", "channel", "strategy", "offer").collect().to_dicts()


def _chosen(parts: Parts, ids: list[int], on: date, since: date) -> list[dict[str, Any]]:
    past = [one for one in parts.lake.catalogue.history("decisions", on) if one.business_date >= since]
    if not past:
        return []
    chosen = pl.col("customer_id").is_in(ids) & (pl.col("fate") == "chosen")
    columns = ("customer_id", "business_date", "channel", "strategy", "offer")
    return scanned([parts.lake.folder(one) for one in past]).filter(chosen).select(columns).collect().to_dicts()

"""What triggers would have done, counted over whole tables: independent of the live side, which it is held against.

Written in Polars from the meaning alone (`definitions/triggers.py`); it shares no code with the live side but the rule
language. The live side hears events one by one in any order, this one has them all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.definitions.scopes import context_name, event_names, event_scope, trigger_scope
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.rules import Rule, compile_rule
from cultiva.rules.forms_polars import dtype

INSTANT = pl.Datetime("us", "UTC")
EVENTS: dict[Any, Any] = {
    "customer_id": pl.Int64,
    "message_id": pl.String,
    "name": pl.String,
    "at": INSTANT,
    "channel": pl.String,
    "properties": pl.String,
    "context": pl.String,
}
"""Columns of events as they are counted: one row per message, `properties` and `context` as JSON."""
FIRED: dict[Any, Any] = {
    "trigger": pl.String,
    "customer_id": pl.Int64,
    "message_id": pl.String,
    "at": INSTANT,
    "due": INSTANT,
}
"""Columns of what is counted: one row per firing."""
_ORDER = ("customer_id", "at", "message_id")
_LENGTH = pl.Duration("us")


@dataclass(frozen=True)
class Counted:
    """What triggers would have done."""

    fired: pl.DataFrame
    """`FIRED`, by trigger, customer and due."""
    left_out: tuple[str, ...]
    """Triggers whose rules read columns of the profile that were not given."""


def count_firings(
    events: pl.DataFrame,
    workspace: Workspace,
    until: datetime,
    *,
    profiles: pl.DataFrame | None = None,
    only: Collection[str] = (),
) -> Counted:
    """What the triggers of a workspace would have done with events, all of them known from the beginning.

    Args:
        events: Columns `EVENTS`; of equal message ids one is counted.
        workspace: Checked.
        until: What falls due up to this instant counts: aware.
        profiles: `customer_id` and columns of the profile that rules read, the same for all of a customer's events;
            None: triggers that read any are left out.
        only: Names of triggers; empty: all that are active.
    """
    known = set(profiles.columns) if profiles is not None else set()
    unique = events.select(list(EVENTS)).cast(EVENTS).unique("message_id", keep="first").sort(_ORDER)
    found, left_out = [pl.DataFrame(schema=FIRED)], []
    for trigger in workspace.triggers.values():
        if not trigger.active or (only and trigger.name not in only):
            continue
        one = _Counting(workspace, trigger, unique, profiles)
        if one.reads <= known:
            found.append(one.fired(until.astimezone(UTC)))
        else:
            left_out.append(trigger.name)
    return Counted(pl.concat(found).sort("trigger", "customer_id", "due", "message_id"), tuple(left_out))


class _Counting:
    """The firings of one trigger."""

    def __init__(
        self, workspace: Workspace, trigger: Trigger, events: pl.DataFrame, profiles: pl.DataFrame | None
    ) -> None:
        self._workspace, self._trigger, self._events, self._profiles = workspace, trigger, events, profiles
        scope = trigger_scope(workspace, trigger)
        self._when = compile_rule(trigger.when, scope, expected=DataType.BOOLEAN)
        self._still = compile_rule(trigger.still, scope, expected=DataType.BOOLEAN)
        self.reads = {name for name in (*self._when.columns, *self._still.columns) if "." not in name}
        """Columns of the profile that its rules read."""

    def fired(self, until: datetime) -> pl.DataFrame:
        """`FIRED` of the trigger."""
        standing = self._without_crowd(self._beginnings())
        standing = self._without_ended(standing)
        due = standing.with_columns(due=pl.col("at") + pl.lit(self._trigger.wait, pl.Int64).cast(_LENGTH))
        due = due.filter(pl.col("due") <= until)
        due = self._held(due, self._still, pl.col("due"))
        kept = self._rested(due.sort("customer_id", "due", "at", "message_id"))
        return kept.select(pl.lit(self._trigger.name).alias("trigger"), *list(FIRED)[1:]).cast(FIRED)

    def _beginnings(self) -> pl.DataFrame:
        rows = _with_members(self._events, self._workspace, self._trigger.on)
        return self._held(rows, self._when, pl.col("at"))

    def _held(self, rows: pl.DataFrame, rule: Rule, at: pl.Expr) -> pl.DataFrame:
        """Rows for which a rule is true, `today` being the bank's day of an instant."""
        needed = [name for name in rule.columns if "." not in name]
        if self._profiles is not None and needed:
            rows = rows.join(self._profiles.select("customer_id", *needed), on="customer_id", how="left")
        days = rows.with_columns(day=at.dt.convert_time_zone(self._workspace.settings.timezone).dt.date())
        parts = [days.clear()] + [
            part.filter(rule.form(day[0]).polars().fill_null(value=False)) for day, part in _by_day(days)
        ]
        return pl.concat(parts).drop("day", *needed)

    def _without_crowd(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Of beginnings that follow each other within the debounce only the last."""
        if self._trigger.debounce is None:
            return rows
        following = pl.col("at").shift(-1).over("customer_id")
        quiet = pl.lit(self._trigger.debounce.total, pl.Int64).cast(_LENGTH)
        crowded = (following < pl.col("at") + quiet).fill_null(value=False)
        return rows.sort(_ORDER).filter(~crowded)

    def _without_ended(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Beginnings after which nothing happened that they wait for."""
        gone = self._trigger.then_not
        if gone is None:
            return rows
        where = compile_rule(gone.where, event_scope(self._workspace, gone.event), expected=DataType.BOOLEAN)
        ends = self._held(_with_members(self._events, self._workspace, gone.event), where, pl.col("at"))
        same = [f"event.{name}" for name in gone.same]
        pairs = rows.join(
            ends.select("customer_id", *same, end="at", ending="message_id"),
            on=["customer_id", *same],
            nulls_equal=True,
        )
        within = pl.lit(gone.within.total, pl.Int64).cast(_LENGTH)
        in_time = pl.col("end").is_between(pl.col("at"), pl.col("at") + within, closed="left")
        ended = pairs.filter(in_time & (pl.col("ending") != pl.col("message_id")))
        return rows.join(ended.select("message_id").unique(), on="message_id", how="anti")

    def _rested(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Of rows in order of due, those that come long enough after the one before that counts."""
        if self._trigger.again_after is None or rows.is_empty():
            return rows
        rest = timedelta(microseconds=self._trigger.again_after.total)
        parts = [part[_spaced(part["due"].to_list(), rest)] for part in rows.partition_by("customer_id")]
        return pl.concat(parts)


def _spaced(moments: Sequence[datetime], rest: timedelta) -> list[int]:
    """Places of moments that are at least so far after the last one chosen."""
    chosen: list[int] = []
    for place, moment in enumerate(moments):
        if not chosen or moment - moments[chosen[-1]] >= rest:
            chosen.append(place)
    return chosen


def _by_day(rows: pl.DataFrame) -> list[tuple[tuple[date], pl.DataFrame]]:
    return [((day,), part) for (day,), part in rows.group_by(["day"], maintain_order=True)]


def _with_members(events: pl.DataFrame, workspace: Workspace, names: Sequence[str]) -> pl.DataFrame:
    """Events of some names with a column for everything that rules may say of them."""
    rows = events.filter(pl.col("name").is_in(list(names)))
    kinds, zone = event_names(workspace, names), workspace.settings.timezone
    declared = [workspace.events[name] for name in names if name in workspace.events]
    members = {f"event.{name}": f"$.{name}" for one in declared for name in one.properties}
    made: dict[str, pl.Expr] = {name: _member("properties", path, kinds[name]) for name, path in members.items()}
    made |= {context_name(path): _in_context(path) for one in declared for path in one.context}
    made["event.name"] = pl.col("name")
    made["event.channel"] = pl.when(pl.col("channel") != "").then(pl.col("channel"))
    made["event.at"] = pl.col("at").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return rows.with_columns(**made)


def _member(column: str, path: str, kind: DataType) -> pl.Expr:
    text = pl.col(column).str.json_path_match(path)
    if kind is DataType.BOOLEAN:
        return text == "true"
    if kind is DataType.DATE:
        return text.str.to_date("%Y-%m-%d", strict=False)
    if kind is DataType.TIMESTAMP:
        return text.str.to_datetime(time_unit="us", strict=False)
    if kind is DataType.LIST:
        return pl.col(column).str.json_path_match(path).str.json_decode(pl.List(pl.String))
    number = kind.numeric
    wanted: Any = dtype(DataType.NUMBER if kind is DataType.MONEY else kind)
    return text.cast(pl.Float64, strict=False).cast(wanted) if number else text


def _in_context(path: str) -> pl.Expr:
    """A member of the context, kept flat by its whole name or in objects within each other."""
    flat = pl.col("context").str.json_path_match(f"$['{path}']")
    return pl.coalesce(flat, pl.col("context").str.json_path_match(f"$.{path}"))

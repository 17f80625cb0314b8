"""The versions of a day's prices for people: what was charged before, what is charged now, and what that says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.live.repriced import STALE_DAYS, Version, versions
from cultiva.loop.parts import Parts
from cultiva.loop.scarcity import meaning
from cultiva.strategy.words import resource_words

HEADINGS = {
    "version": Words("版本", "version"),
    "resource": Words("资源", "resource"),
    "taken": Words("已用", "used since the night"),
    "left": Words("剩余", "left"),
    "before": Words("原价", "price before"),
    "now": Words("现价", "price now"),
    "meaning": Words("含义", "meaning"),
}
COLUMNS = tuple(HEADINGS)


def reprices(parts: Parts, on: date) -> Sheet:
    """Every version of the prices of the days that a run's plan stood for."""
    days = [on + timedelta(days=number) for number in range(STALE_DAYS + 1)]
    return sheet(parts, [one for day in days for one in versions(parts, day, on)])


def sheet(parts: Parts, found: Sequence[Version]) -> Sheet:
    """Some versions as a table, what changed most first.

    Args:
        parts: Of the workspace.
        found: The versions.
    """
    language = parts.workspace.settings.language
    rows = [_line(parts, row) for one in found for row in sorted(one.rows, key=_moved)]
    who = tuple(say(_who(parts, one), language) for one in found)
    return Sheet(
        title=say(Words("日内重新定价", "prices during the day"), language),
        columns=COLUMNS,
        rows=tuple(rows),
        headings={name: say(words, language) for name, words in HEADINGS.items()},
        formats={"taken": ",.0f", "left": ",.0f", "before": ",.2f", "now": ",.2f"},
        note="\n".join(who) or say(Words("当日未重新定价", "the night's prices stand"), language),
    )


def data(one: Version) -> dict[str, Any]:
    """A version as JSON-like data."""
    first = one.rows[0]
    common = {name: first[name] for name in ("version", "made_by", "candidates", "gap", "worth")}
    names = ("resource", "kind", "capacity", "taken", "used", "price_before")
    return {
        **common, "made_at": first["made_at"].replace(tzinfo=UTC).isoformat(), "run": first["run"].isoformat(),
        "prices": [{**{name: row[name] for name in names}, "price": charged(row)} for row in one.rows],
    }  # fmt: skip


def charged(row: Mapping[str, Any]) -> float:
    """What a live decision is charged at the instant of the version, in money per unit."""
    return float(row["price_last" if row["kind"] == "pool" else "price"] or 0.0)


def _moved(row: Mapping[str, Any]) -> tuple[float, float, str]:
    return -abs(charged(row) - row["price_before"]), -charged(row), row["resource"]


def _line(parts: Parts, row: Mapping[str, Any]) -> tuple[Any, ...]:
    language = parts.workspace.settings.language
    label = resource_words(row["resource"], parts.workspace)
    said = say(meaning(parts, {**row, "price": charged(row)}), language)
    name = say(Words(label.zh, label.en), language)
    return (row["version"], name, row["taken"], row["capacity"], row["price_before"], charged(row), said)


def _who(parts: Parts, one: Version) -> Words:
    """Who made a version, when, and how good it is."""
    first, zone = one.rows[0], ZoneInfo(parts.workspace.settings.timezone)
    at = first["made_at"].replace(tzinfo=UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    by, count, gap = first["made_by"], first["candidates"], first["gap"]
    return Words(
        f"{one.version}：{by} 于 {at}，{count:,} 个候选，与上界相差 {gap:.4%}",
        f"{one.version}: by {by} at {at}, {count:,} candidates, within {gap:.4%} of the best",
    )

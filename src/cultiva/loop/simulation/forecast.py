"""A forecast: what a workspace's strategies would do and bring, with the spread over several simulated banks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan


@dataclass(frozen=True)
class Volume:
    """Touches that one strategy asked for over one channel in a flight."""

    strategy: str
    channel: str
    touches: int


@dataclass(frozen=True)
class Outlook:
    """One strategy in one flight."""

    strategy: str
    label: str
    customers: int
    """Whom it could touch."""
    cost: float
    incremental: float
    """True money over the flight, before cost."""
    volumes: tuple[Volume, ...]

    def figures(self) -> dict[Words, float]:
        """What is forecast, in the order in which it is shown."""
        touches = {
            Words(f"触达：{one.channel}", f"touches by {one.channel}"): float(one.touches) for one in self.volumes
        }
        return {
            **touches,
            Words("触达合计", "touches"): sum(touches.values()),
            Words("可触达客户", "customers open to it"): float(self.customers),
            Words("成本", "cost"): self.cost,
            Words("真实增量", "true incremental"): self.incremental,
            Words("真实净增量", "true net"): self.incremental - self.cost,
        }


def volumes(parts: Parts, days: Sequence[date]) -> tuple[Volume, ...]:
    """What was decided on some business dates, by strategy and channel."""
    folders = [folder for day in days for folder in parts.lake.files_current("decisions", day)]
    if not folders:
        return ()
    chosen = scan(folders).filter(pl.col("fate") == Fate.CHOSEN.value)
    counts = chosen.group_by("strategy", "channel").agg(pl.len().cast(pl.Int64)).sort("strategy", "channel").collect()
    return tuple(Volume(*row) for row in counts.rows())


COLUMNS = ("measure", "mean", "low", "high", "own")
HEADINGS = {
    "measure": Words("指标", "measure"),
    "mean": Words("模拟均值", "simulated, mean"),
    "low": Words("最低", "lowest"),
    "high": Words("最高", "highest"),
    "own": Words("折算到本行", "for the own bank"),
}


def forecast_sheet(flights: Sequence[Outlook], *, weeks: int, scale: float | None, language: str) -> Sheet:
    """One strategy over all flights.

    Args:
        flights: The same strategy, flown with one seed each; at least one.
        weeks: Length of the flights.
        scale: Customers of the own bank with an open account per simulated one; None: not known.
        language: zh or en.
    """
    columns = [name for name in COLUMNS if not (name == "own" and scale is None)]
    columns = [name for name in columns if len(flights) > 1 or name not in ("low", "high")]
    flown = [one.figures() for one in flights]
    names = max(flown, key=len) | {name: 0.0 for one in flown for name in one}
    rows = []
    for words in sorted(names, key=lambda name: not name.en.startswith("touches by")):
        values = [one.get(words, 0.0) for one in flown]
        known = {"measure": say(words, language), "mean": fmean(values), "low": min(values), "high": max(values)}
        rows.append(tuple({**known, "own": fmean(values) * (scale or 0.0)}[name] for name in columns))
    first = flights[0]
    title = Words(
        f"{weeks} 周预测：{first.label}", f"forecast of {weeks} week{'s' if weeks > 1 else ''}: {first.label}"
    )
    note = Words(f"{len(flights)} 次模拟", f"{len(flights)} simulated bank{'s' if len(flights) > 1 else ''}")
    if scale is not None:
        note = Words(
            f"{note.zh}；按有未销账户的客户数折算，1 位合本行 {scale:,.2f} 位",
            f"{note.en}; scaled by customers with an open account, {scale:,.2f} per simulated one",
        )
    headings = {name: say(HEADINGS[name], language) for name in columns}
    formats = dict.fromkeys(columns[1:], ",.0f")
    return Sheet(
        say(title, language), tuple(columns), tuple(rows), headings=headings, formats=formats, note=say(note, language)
    )

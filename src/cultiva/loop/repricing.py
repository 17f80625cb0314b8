"""Pricing anew during the day: what happened since the night is gathered, what is left is solved, published at once.

Whoever decides live takes the new version up within seconds; a process that is killed midway leaves the old one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import polars as pl

from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.parquet import write_arrow
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write
from cultiva.execution.present.facts import Happened
from cultiva.execution.present.service import Present
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash
from cultiva.loop.inputs import plan_inputs
from cultiva.loop.live.repriced import STALE_DAYS, TABLE, Version, price_path, versions
from cultiva.loop.parts import Parts
from cultiva.store.repositories.snapshots import publish
from cultiva.strategy.competition import Price
from cultiva.strategy.repricing import CLOSED, TOUCHES, Night, Repriced, Since, reprice

FOLDER = ".cultiva/reprice"
STEP = "reprice"
_TEXT, _NUMBER = pl.String, pl.Float64
ROW: dict[str, Any] = {
    "number": pl.Int64, "version": _TEXT, "made_at": pl.Datetime("us"), "made_by": _TEXT, "run": pl.Date,
    "mark": _TEXT, "resource": _TEXT, "kind": _TEXT, "counts": _TEXT, "capacity": _NUMBER, "taken": _NUMBER,
    "used": _NUMBER, "minimum": _NUMBER, "live_used": _NUMBER, "price_before": _NUMBER, "price": _NUMBER,
    "price_last": _NUMBER, "candidates": pl.Int64, "worth": _NUMBER, "gap": _NUMBER,
}  # fmt: skip
"""Columns of the lake table; `made_at` is UTC; capacity is what was left, `taken` what had been used since the night,
`used` what the rest of the day would best use, `price_before` what live decisions charged until then."""


@dataclass(frozen=True)
class Done:
    """What pricing anew has done."""

    version: Version
    new: bool
    """Whether anything had changed since the version before."""


def price_anew(parts: Parts, *, by: str) -> Done:
    """Solves what is left of the newest night and publishes its prices for the rest of today.

    Done again when nothing has happened since, it changes nothing.

    Args:
        parts: Of the workspace; its clock says which day it is.
        by: Who wants it, for the audit.

    Raises:
        CultivaError: if there is no plan, it is too old, or somebody else has priced meanwhile.
    """
    now = parts.clock()
    day = now.astimezone(ZoneInfo(parts.workspace.settings.timezone)).date()
    run, before = _night(parts, day), price_path(parts, day)
    known = versions(parts, day)
    since = _since(parts, run, day, now)
    mark = _mark(parts, run, since)
    mine = [one for one in known if one.rows[0]["run"] == run]
    if mine and mine[-1].rows[0]["mark"] == mark:
        return Done(mine[-1], new=False)
    charged = _charged(parts, run, mine)
    night = Night(plan_inputs(parts, run), parts.lake.files_current("decisions", run), _prices(parts, run), charged)
    work = parts.root / FOLDER / uuid4().hex
    found = reprice(parts.engine, night, parts.workspace, since, day, work=work)
    number = 1 + max((one.rows[0]["number"] for one in known), default=0)
    common = {"number": number, "version": f"{day}.{number}", "made_at": now.astimezone(UTC).replace(tzinfo=None),
              "made_by": by, "run": run, "mark": mark}  # fmt: skip
    rows = [common | row for row in _rows(found, charged, since)]
    _publish(parts, day, before, [*(row for one in known for row in one.rows), *rows], _entry(now, by, common, found))
    return Done(versions(parts, day)[-1], new=True)


def _night(parts: Parts, day: date) -> date:
    """Business date of the plan that today goes by."""
    newest = parts.store.snapshots.latest("decisions")
    age = None if newest is None else (day - newest.business_date).days
    if newest is None or age is None or not 0 <= age <= STALE_DAYS:
        raise CultivaError(
            "there is no plan of today that could be priced anew",
            code="reprice.no_plan",
            kind=ErrorKind.NOT_FOUND if newest is None else ErrorKind.CONFLICT,
            seen="no plan" if newest is None else f"a plan of {newest.business_date}, today is {day}",
            allowed=f"a plan of today, or of at most {STALE_DAYS} days ago",
            hint=f"cultiva run {parts.root} --date YYYY-MM-DD",
        )
    return newest.business_date


def _since(parts: Parts, run: date, day: date, now: datetime) -> Since:
    present = Present(parts.store.database)
    try:
        happened, used = present.happened(run, now), present.used(day)
    finally:
        present.close()
    touches = pl.DataFrame(happened.touches, schema=TOUCHES, orient="row")
    closed = pl.DataFrame(happened.refused, schema=CLOSED, orient="row")
    return Since(touches, closed, happened.standing, used)


def _mark(parts: Parts, run: date, since: Since) -> str:
    """Names everything that the prices rest on."""
    told = [[*map(str, Happened(*row))] for row in since.touches.iter_rows()]
    current = [parts.store.snapshots.current(name, run) for name in ("decisions", "price")]
    read = [one.fingerprint for one in current if one is not None]
    return content_hash([
        run.isoformat(), read, parts.workspace.version, sorted(told), since.closed.rows(), list(since.standing),
        sorted(since.used.items()),
    ])  # fmt: skip


def _prices(parts: Parts, run: date) -> list[dict[str, Any]]:
    files = parts.lake.files_current("price", run)
    return pl.concat([pl.read_parquet(str(one / "*.parquet")) for one in files]).to_dicts()


def _charged(parts: Parts, run: date, mine: Sequence[Version]) -> dict[str, tuple[float, float]]:
    """What live decisions charge now, which is where the search begins: of one more unit, and of the last one."""
    rows = mine[-1].rows if mine else [row for row in _prices(parts, run) if row["price"] is not None]
    return {row["resource"]: (row["price"] or 0.0, row["price_last"] or 0.0) for row in rows}


def _rows(found: Repriced, charged: Mapping[str, tuple[float, float]], since: Since) -> list[dict[str, Any]]:
    return [
        {
            "resource": one.resource, "kind": one.kind, "counts": one.counts, "capacity": one.capacity,
            "taken": found.taken.get(one.resource, 0.0), "used": one.used, "minimum": one.minimum,
            "live_used": since.used.get(one.resource, 0.0), "price_before": _before(one, charged),
            "price": one.price, "price_last": one.price_last, "candidates": found.candidates, "worth": found.value,
            "gap": found.gap,
        }
        for one in sorted(found.prices, key=lambda one: (one.kind != "resource", one.resource))
    ]  # fmt: skip


def _before(one: Price, charged: Mapping[str, tuple[float, float]]) -> float:
    """What was charged until now: of a resource the price of one more unit, of a pool that of the last one."""
    return charged.get(one.resource, (0.0, 0.0))[one.kind == "pool"]


def _entry(now: datetime, by: str, common: Mapping[str, Any], found: Repriced) -> Entry:
    detail = {
        "run": common["run"].isoformat(),
        "candidates": found.candidates,
        "gap": found.gap,
        "mark": common["mark"],
    }
    return Entry(now, by, "prices.repriced", f"prices:{common['version']}", detail)


def _publish(parts: Parts, day: date, before: str, rows: Sequence[Mapping[str, Any]], entry: Entry) -> None:
    """Writes all versions of the day anew and moves the pointer, with a line of the audit: all or nothing."""
    name = f"reprice-{uuid4().hex[:12]}"
    folder = parts.lake.stage(TABLE, day, run_id=name)
    written = write_arrow(pl.DataFrame(rows, schema=ROW).to_arrow(), folder)
    snapshot: Snapshot = parts.lake.snapshot(TABLE, day, folder, written, run_id=name)
    with parts.store.database.writing() as connection:
        write(connection, entry)  # one after another from here on
        if price_path(parts, day) != before:
            raise CultivaError(
                "somebody else has priced the day anew meanwhile",
                code="reprice.overtaken",
                kind=ErrorKind.CONFLICT,
                seen=price_path(parts, day),
                allowed="one at a time",
                hint="look at their prices, and do it again if they do not know enough",
            )
        publish(connection, [snapshot], step=STEP, at=entry.at)

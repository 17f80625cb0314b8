"""The same question asked the other way: what the night's set operations make of the same knowledge.

What the live profile knows of everything but events is its base. The night's own forms and aggregates, over that base
and the lake's events, must give what the live profile gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cultiva.contracts.types import DataType
from cultiva.engine.parquet import part_files, write_arrow
from cultiva.engine.partials import typed
from cultiva.engine.port import Engine, Files, Form, Lookup
from cultiva.engine.types import STORED
from cultiva.insight.live.program import Program, everything
from cultiva.insight.live.records import Base
from cultiva.insight.profile.build import Part, write_windows
from cultiva.insight.profile.forms import NullForm
from cultiva.insight.profile.inputs import ViewRows
from cultiva.insight.profile.plan import profile_plan
from cultiva.kit.money import to_major

KEY = "customer_id"


@dataclass(frozen=True)
class Control:
    """What the night's set operations find."""

    profile: Path
    """Columns of the profile, one row per customer."""
    members: Mapping[str, frozenset[int]]
    """Segment -> its members among these customers."""

    def frame(self) -> pl.DataFrame:
        """The profile in memory."""
        return pl.read_parquet(part_files([self.profile]), hive_partitioning=False)


def write_control(
    engine: Engine, program: Program, bases: Mapping[int, Base], events: ViewRows, on: date, folder: Path
) -> Control:
    """Computes profiles of some customers from their bases and the lake's events.

    Args:
        engine: Where sets are computed.
        program: What of the profile comes from where.
        bases: Customer -> what the night before knew.
        events: The event view's rows on the day, with the identity map that live events were named by.
        on: The day.
        folder: New folder; everything is written into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base"
    write_arrow(_base_frame(program, bases).to_arrow(), base)
    rows = _of_customers(engine, events, [base], folder)
    plan = profile_plan(program.workspace, program.book, everything(program.workspace), on)
    live = program.measures.columns
    parts: list[Part] = []
    if rows is not None:
        if view := plan.passes.get("event"):
            engine.aggregate(rows.files, view, folder / "view", through=rows.through)
            parts.append(Part(folder / "view", frozenset(view)))
        parts += [
            write_windows(engine, rows, one, folder / f"windows-{number}")
            for number, one in enumerate(plan.event_passes)
        ]
    there = frozenset[str]().union(*(part.columns for part in parts))
    first: dict[str, Form] = {
        name: form if form.columns <= there else NullForm(form.type)
        for name, form in plan.first.items()
        if name in live
    }
    later = [{name: form for name, form in step.items() if name not in program.stored} for step in plan.steps()[1:]]
    profile = folder / "profile"
    engine.assemble([base], [[part.folder] for part in parts], [first, *later], profile, keep=plan.keep)
    rules = {name: rule.form(on) for name, rule in program.segment_rules.items()}
    members = engine.members([profile], rules) if rules else {}
    return Control(profile, {name: frozenset(found) for name, found in members.items()})


def _base_frame(program: Program, bases: Mapping[int, Base]) -> pl.DataFrame:
    """The bases' columns under their own names and in their own types."""
    customers = sorted(bases)
    columns = [pl.Series(KEY, customers, dtype=pl.Int64)]
    for name, kind in program.stored.items():
        cells = [bases[customer].values.get(program.keys[name]) for customer in customers]
        columns.append(pl.Series(name, [_stored(cell, kind) for cell in cells], dtype=STORED[kind].polars))
    return pl.DataFrame(columns)


def _stored(cell: Any, kind: DataType) -> Any:
    return to_major(cell) if kind is DataType.MONEY and cell is not None else typed(cell, kind)


def _of_customers(engine: Engine, events: ViewRows, base: Files, folder: Path) -> ViewRows | None:
    """The rows of these customers only: the map that names them has nobody else."""
    if not events.files or events.through is None:
        return None
    known = engine.scan(events.through.files).select(KEY, *events.through.keys)
    chosen = known.semi_join(engine.scan(base), KEY)
    engine.write(chosen, folder / "map")
    return ViewRows(events.files, Lookup([folder / "map"], events.through.keys))

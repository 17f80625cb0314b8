"""What live decisions rest on: the newest run's prices, models and what review has learnt, and the rules of today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from cultiva.engine.parquet import part_files, rows_in
from cultiva.engine.port import Files
from cultiva.loop.live.repriced import newest_version, price_path
from cultiva.loop.parts import Parts
from cultiva.strategy.live.charges import COST
from cultiva.strategy.live.service import Known, LiveDesk
from cultiva.strategy.models.scoring import pin
from cultiva.strategy.pricing.cells import read_ladders
from cultiva.strategy.ranking import read_learnt
from cultiva.strategy.service import DAYS_PER_WORKING_WEEK


@dataclass(frozen=True)
class Basis:
    """What the decisions of a day rest on."""

    desk: LiveDesk
    run: str
    """Business date of the run; empty before the first."""
    version: str
    """Of the definitions."""
    prices: str = ""
    """Version of the day's prices; empty: the night's."""
    prices_at: str = ""
    """Where they lie."""
    _costing: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def costing(self, strategy: str, offer: str) -> tuple[str, ...]:
        """Resources that count the cost of a strategy's offer, whatever the channel."""
        found = self._costing.get((strategy, offer))
        if found is None:
            by = self.desk.workspace.review.rank_by
            charges = self.desk.charges(by)
            names = {name for key, mine in charges.recipes.items() if key[:2] == (strategy, offer) for name in mine}
            found = tuple(sorted(name for name in names if charges.resources[name].counts == COST))
            self._costing[strategy, offer] = found
        return found


def basis_of(parts: Parts, on: date) -> Basis:
    """Reads what the newest run has left and compiles the rules of a day.

    Args:
        parts: Of the workspace.
        on: The bank's day.
    """
    newest = parts.store.snapshots.latest("decisions")
    if newest is None:
        return Basis(LiveDesk(parts.workspace, Known(), on), "", parts.workspace.version)
    lake, run = parts.lake, newest.business_date
    models = lake.files_latest("model", run)
    reader: Any = _Reader()
    path = price_path(parts, on)
    repriced = newest_version(parts, on, run)
    known = Known(
        read_learnt(reader, lake.files_latest("learnt", run)),
        read_ladders(reader, lake.files_latest("price_ladder", run)),
        pin(models, parts.workspace) if models else None,
        _rows(lake.files_current("price", run)),
        _contacts(lake.files_latest("staff", run)),
        None if repriced is None else repriced.again,
        rows_in(lake.files_current("profile", run)),
    )
    version = "" if repriced is None else repriced.version
    return Basis(LiveDesk(parts.workspace, known, on), run.isoformat(), parts.workspace.version, version, path)


class _Reader:
    """Reads small tables as an engine does, beside it: its connection takes one question at a time."""

    def scan(self, files: Files) -> Files:
        return files

    def fetch(self, files: Files) -> Any:
        return pl.scan_parquet(part_files(files)).collect().to_arrow()


def _rows(files: Files) -> Sequence[dict[str, Any]]:
    return pl.scan_parquet(part_files(files)).collect().to_dicts() if files else []


def _contacts(files: Files) -> dict[str, int]:
    """Adviser -> contacts per day, as the night spreads the week."""
    if not files:
        return {}
    rows = pl.scan_parquet(part_files(files)).select("staff_id", "contacts_per_week_max").collect()
    return {name: -(-int(week) // DAYS_PER_WORKING_WEEK) for name, week in rows.iter_rows() if week is not None}

"""The lake: Parquet folders, immutable once published, found only through the catalogue's pointers.

A folder is `<table>/date=<day>/<version>/part-*.parquet`. It is staged under a name never used before, written,
sealed, and published by a pointer row in the store; until then no reader knows of it. Removal goes the other way:
the pointer first, then the folder is moved aside in one step, then deleted.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

from cultiva.contracts.snapshots import Snapshot, SnapshotCatalogue
from cultiva.engine.port import Written
from cultiva.kit.errors import CultivaError, ErrorKind

TRASH = ".trash"
"""Where folders lie between being moved aside and being deleted."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Retention:
    """Which snapshots are kept."""

    keep_days: int
    """Days of snapshots kept, counted back from the day of the run."""
    whole: frozenset[str] = frozenset()
    """Tables of which every date is kept: facts add up."""
    month_ends: bool = True
    """Whether the last snapshot of every month is kept."""

    def expired(self, snapshots: Sequence[Snapshot], today: date) -> list[Snapshot]:
        """Those that may go; the two newest of every table always stay (the last one and what it is compared with).

        Args:
            snapshots: All published ones.
            today: The business date of the run; later ones stay.
        """
        oldest = today - timedelta(days=self.keep_days)
        kept = self._kept(snapshots)
        return [one for one in snapshots if one.business_date < oldest and one not in kept]

    def _kept(self, snapshots: Sequence[Snapshot]) -> set[Snapshot]:
        by_table: dict[str, list[Snapshot]] = {}
        for one in sorted(snapshots, key=lambda one: one.business_date):
            by_table.setdefault(one.table, []).append(one)
        kept: set[Snapshot] = set()
        for table, ordered in by_table.items():
            kept.update(ordered if table in self.whole else ordered[-2:])
            if self.month_ends:
                last_of_month = {(one.business_date.year, one.business_date.month): one for one in ordered}
                kept.update(last_of_month.values())
        return kept


class Lake:
    """Where snapshots lie, and which of them are published.

    Args:
        root: The lake's folder; made when first written to.
        catalogue: Knows the published ones.
    """

    def __init__(self, root: Path, catalogue: SnapshotCatalogue) -> None:
        self.root = root
        self.catalogue = catalogue

    def folder(self, snapshot: Snapshot) -> Path:
        """The folder of a snapshot."""
        return self.root / snapshot.path

    def stage(self, table: str, on: date, *, run_id: str) -> Path:
        """Makes a new, empty folder for a table's snapshot of one day; nobody sees it until it is published.

        Args:
            table: Name of the lake table.
            on: The business date.
            run_id: The run that will write it; a second attempt of the same run gets another folder.
        """
        day = self.root / _checked(table, "table") / f"date={on.isoformat()}"
        day.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 10_000):
            folder = day / f"{_checked(run_id, 'run')}.{attempt}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
        raise CultivaError(
            "a run has staged the same snapshot too often",
            code="engine.lake.too_many_attempts",
            kind=ErrorKind.CONFLICT,
            seen=f"{table} of {on} by run {run_id}",
            allowed="9999 attempts",
            hint="sweep the lake",
        )

    def snapshot(self, table: str, on: date, folder: Path, written: Written, *, run_id: str) -> Snapshot:
        """What is to be published after a write: the pointer for the store to keep."""
        return Snapshot(
            table=table,
            business_date=on,
            path=folder.relative_to(self.root).as_posix(),
            rows=written.rows,
            size_bytes=written.size_bytes,
            fingerprint=written.fingerprint,
            run_id=run_id,
        )

    def files_current(self, table: str, on: date) -> list[Path]:
        """The folder published for exactly this date, or none."""
        return self._folders(self.catalogue.current(table, on))

    def files_latest(self, table: str, upto: date | None = None) -> list[Path]:
        """The folder of the newest date up to and including this one, or none."""
        return self._folders(self.catalogue.latest(table, upto))

    def files_before(self, table: str, on: date) -> list[Path]:
        """The folder of the newest date before this one, or none."""
        return self._folders(self.catalogue.before(table, on))

    def files_history(self, table: str, upto: date) -> list[Path]:
        """The folders of all dates up to and including this one, oldest first: facts add up."""
        return self._folders(*self.catalogue.history(table, upto))

    def prune(
        self, retention: Retention, today: date, withdraw: Callable[[Sequence[Snapshot]], None]
    ) -> list[Snapshot]:
        """Removes snapshots that need not be kept: first their pointers, then their folders.

        Args:
            retention: Which are kept.
            today: The business date of the run.
            withdraw: Removes pointers in the store, in one transaction.

        Returns:
            What was removed.
        """
        expired = retention.expired(self.catalogue.published(), today)
        if expired:
            withdraw(expired)
        for one in expired:
            self._remove(self.folder(one))
        return expired

    def sweep(self, *, active_runs: Collection[str] = ()) -> list[Path]:
        """Removes folders that no pointer names: leftovers of crashes, and what a re-run has replaced.

        Call it where no other run of the workspace can be publishing, or name that run.

        Args:
            active_runs: Runs whose staged folders must stay.

        Returns:
            The folders removed, relative to the root.
        """
        found = sorted(self.root.glob("*/date=*/*"))
        published = {self.folder(one) for one in self.catalogue.published()}
        active = [f"{run_id}." for run_id in active_runs]
        leftover = [
            folder for folder in found if folder not in published and not any(map(folder.name.startswith, active))
        ]
        for folder in leftover:
            self._remove(folder)
        shutil.rmtree(self.root / TRASH, ignore_errors=True)
        return [folder.relative_to(self.root) for folder in leftover]

    def _folders(self, *snapshots: Snapshot | None) -> list[Path]:
        return [self.folder(one) for one in snapshots if one is not None]

    def _remove(self, folder: Path) -> None:
        """Moves a folder aside in one step, so that no reader lists half of it, then deletes it."""
        if not folder.exists():
            return
        aside = self.root / TRASH / uuid4().hex
        aside.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _checked(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise CultivaError(
            f"not a name for a {what} in the lake",
            code="engine.lake.bad_name",
            seen=repr(name),
            allowed="letters, digits, '_', '-' and '.', beginning with a letter or digit",
            hint="choose another name",
        )
    return name

"""The lake: Parquet folders, immutable once published, found only through the catalogue's pointers.

A folder is `<table>/date=<day>/<version>/part-*.parquet`. It is staged under a name never used before, written,
sealed, and published by a pointer row in the store; until then no reader knows of it. Removal goes the other way:
the pointer first; then, after a time of grace for those who had already read the pointer, the folder is moved aside in
one step and deleted.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cultiva.contracts.snapshots import Snapshot, SnapshotCatalogue
from cultiva.engine.port import Written
from cultiva.kit.errors import CultivaError, ErrorKind

TRASH = ".trash"
"""Where folders lie between being moved aside and being deleted."""
LEFTOVERS = ".leftovers.json"
"""Since when no pointer names a folder: path -> instant, of all folders that wait for their removal."""
NO_GRACE = timedelta(0)
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
        """Withdraws snapshots that need not be kept; the next sweep finds that no pointer names their folders.

        Args:
            retention: Which are kept.
            today: The business date of the run.
            withdraw: Removes pointers in the store, in one transaction.

        Returns:
            What was withdrawn.
        """
        expired = retention.expired(self.catalogue.published(), today)
        if expired:
            withdraw(expired)
        return expired

    def sweep(self, *, at: datetime, grace: timedelta = NO_GRACE, active_runs: Collection[str] = ()) -> list[Path]:
        """Removes folders that no pointer names: what retention or a re-run has withdrawn, and leftovers of crashes.

        Call it where no other run of the workspace can be publishing, or name that run.

        Args:
            at: The present instant.
            grace: How long a folder stays after a sweep has first found it without a pointer: whoever has read the
                pointer just before can finish reading.
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
        known = self._leftovers()
        since = {folder: known.get(self._name(folder), at) for folder in leftover}
        over = [folder for folder in leftover if at - since[folder] >= grace]
        self._note_leftovers({self._name(folder): since[folder] for folder in leftover if folder not in over})
        for folder in over:
            self._remove(folder)
        shutil.rmtree(self.root / TRASH, ignore_errors=True)
        return [folder.relative_to(self.root) for folder in over]

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()

    def _leftovers(self) -> dict[str, datetime]:
        """What the last sweep left waiting; if its note cannot be read, the wait begins anew."""
        try:
            noted = json.loads((self.root / LEFTOVERS).read_text(encoding="utf-8"))
            return {str(name): datetime.fromisoformat(since) for name, since in noted.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def _note_leftovers(self, since: Mapping[str, datetime]) -> None:
        """Replaces the note in one step."""
        note = self.root / LEFTOVERS
        if not since:
            note.unlink(missing_ok=True)
            return
        written = note.with_name(f"{LEFTOVERS}.new")
        written.write_text(json.dumps({name: one.isoformat() for name, one in since.items()}), encoding="utf-8")
        written.replace(note)

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

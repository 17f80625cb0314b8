"""The intake of a workspace: who is known by the last run, and what has been taken, set aside or waits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cultiva.contracts.anteroom import Anteroom, RefusedCount
from cultiva.execution.anteroom.service import StoredAnteroom
from cultiva.insight.events.identities import (
    ABOUT,
    UNFINISHED,
    UNKNOWN,
    Identities,
    is_published,
    open_identities,
    publish_identities,
)
from cultiva.insight.events.service import Intake
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.erasing.keys import tombstones_of
from cultiva.loop.parts import Parts
from cultiva.stream import open_log
from cultiva.stream.port import Log

FOLDER = ".cultiva/live/identity"
MAPS_KEPT = 2
"""Published identity maps that stay: the newest, and the one that a process may have open."""


@dataclass(frozen=True)
class Nobody:
    """Before the first run nobody is known; who is named waits."""

    systems: Sequence[str] = ()

    def find(self, names: Sequence[tuple[str, str]]) -> list[int]:
        """Unknown, all of them."""
        return [UNKNOWN] * len(names)


class Door:
    """The intake of one process, which follows the runs: who is known changes with each.

    Args:
        parts: Of the workspace.
        log: Where accepted events go.
    """

    def __init__(self, parts: Parts, log: Log) -> None:
        self._parts, self._log = parts, log
        self.anteroom: Anteroom = StoredAnteroom(parts.store.database)
        self._folder: Path | None = None
        self.intake = Intake(parts.workspace, Nobody(), log, anteroom=self.anteroom)
        self.follow()

    def follow(self) -> bool:
        """Takes up a newer run's identities, moves what waited for them, drops what is too old; if there was one."""
        folder = published_identities(self._parts)
        if folder is None or folder == self._folder:
            return False
        self.intake.erased = tombstones_of(self._parts)
        self.intake.identities, self._folder = open_identities(folder), folder
        self.intake.settle()
        self.expire(self._parts.clock())
        return True

    def define(self, parts: Parts) -> None:
        """Takes up definitions that have changed: which events there are, and what they may say."""
        if parts.workspace.version == self._parts.workspace.version:
            return
        before, self._parts = self.intake, parts
        self.intake = Intake(parts.workspace, before.identities, self._log, anteroom=self.anteroom)
        self.intake.erased = before.erased

    def counted(self, since: datetime) -> Counted:
        """What has come in; what was set aside from an instant on."""
        records = sum(self._log.end(one) for one in range(self._log.partitions))
        return Counted(records, self.anteroom.waits(), self.anteroom.refused_counts(since))

    def expire(self, at: datetime) -> tuple[int, int]:
        """Lets go of what has waited or lain aside too long; how many of each."""
        settings = self._parts.workspace.settings.events
        return self.anteroom.expire(
            waiting_before=at - timedelta(days=settings.waiting_days),
            refused_before=at - timedelta(days=settings.quarantine_days),
        )


@contextmanager
def opened_door(parts: Parts) -> Iterator[tuple[Door, Log]]:
    """The intake of a workspace and its log, opened for a while.

    Raises:
        CultivaError: a conflict, if the workspace has no live side.
    """
    with closing(open_live_log(parts)) as log:
        yield Door(parts, log), log


def open_live_log(parts: Parts) -> Log:
    """The log; close it after use.

    Raises:
        CultivaError: a conflict, if the workspace has no live side: nobody would ever read what it is told.
    """
    settings = parts.workspace.settings.live
    if not settings.enabled:
        raise CultivaError(
            "this workspace takes no events",
            code="events.not_enabled",
            kind=ErrorKind.CONFLICT,
            seen="[live] enabled = false",
            allowed="a workspace with a live side",
            hint="set [live] enabled = true in cultiva.toml",
        )
    return open_log(settings, parts.root, clock=parts.clock)


@dataclass(frozen=True)
class Counted:
    """What has come in."""

    records: int
    """Positions used in the log, over all partitions; a mark of a run takes one in each."""
    waiting: Mapping[str, int]
    """What for -> events."""
    refused: Sequence[RefusedCount]


def publish_newest_identities(parts: Parts) -> Path | None:
    """Publishes the newest run's identity map if nobody has; its folder, or None before the first run."""
    newest = parts.store.snapshots.latest("identity_map", None)
    if newest is None:
        return None
    root = parts.root / FOLDER
    folder = root / f"{newest.business_date}.{newest.run_id}"
    if not is_published(folder):
        publish_identities(sorted(parts.lake.folder(newest).glob("*.parquet")), folder)
        for old in _finished(root)[:-MAPS_KEPT]:
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
    return folder


def published_identities(parts: Parts) -> Path | None:
    """The folder of the newest identity map that is published; a run publishes its own, the first one is made here."""
    found = _finished(parts.root / FOLDER)
    return found[-1] if found else publish_newest_identities(parts)


def _finished(root: Path) -> list[Path]:
    """Published maps, the oldest first: by business date, then by when they were written."""
    found = [one for one in root.glob("????-??-??.*") if not one.name.endswith(UNFINISHED) and is_published(one)]
    return sorted(found, key=lambda one: (one.name[:10], (one / ABOUT).stat().st_mtime_ns))


def identities_of(parts: Parts) -> Identities:
    """Who is known by the newest run."""
    folder = publish_newest_identities(parts)
    return Nobody() if folder is None else open_identities(folder)

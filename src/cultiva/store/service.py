"""The one door to the store."""

from __future__ import annotations

from copy import copy
from pathlib import Path

from cultiva.store.database import Database
from cultiva.store.migrate import bring_up
from cultiva.store.repositories.identity import Identity
from cultiva.store.repositories.leases import Leases
from cultiva.store.repositories.registry import Registry
from cultiva.store.repositories.runs import Runs
from cultiva.store.repositories.snapshots import Snapshots, SnapshotsOnce


class Store:
    """What must be right row by row, one repository per concept. One store belongs to one workspace.

    Args:
        database: Where the rows lie; its tables are up to date.
    """

    snapshots: Snapshots
    """Which piece of the lake is published."""
    runs: Runs
    """Runs of the main job and their steps."""
    registry: Registry
    """Versions of definitions."""
    identity: Identity
    """Customer ids, merges, splits."""
    leases: Leases
    """Who works on what alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.snapshots = Snapshots(database)
        self.runs = Runs(database)
        self.registry = Registry(database)
        self.identity = Identity(database)
        self.leases = Leases(database)

    @property
    def database(self) -> Database:
        """For the repositories of stages, which keep tables of their own here."""
        return self._database

    @property
    def address(self) -> str:
        """Where it is, without a password."""
        return self._database.shown

    def at_one_moment(self, lead: str) -> Store:
        """The same store, of which the published snapshots are looked up once: for a request that must be quick.

        Args:
            lead: The table whose newest business date is the newest day.
        """
        found = copy(self)
        found.snapshots = SnapshotsOnce(self._database, lead)
        return found

    def close(self) -> None:
        """Gives the connections back."""
        self._database.close()


def open_store(url: str, root: Path) -> Store:
    """Opens the store, makes it if it is not there, and brings its tables up to date.

    Args:
        url: `[store] url` of cultiva.toml: SQLite or PostgreSQL; a relative SQLite path is relative to `root`.
        root: The workspace's folder.

    Raises:
        CultivaError: if the address is wrong, the database does not answer, or a newer Cultiva has written it.
    """
    database = Database(url, root)
    bring_up(database)
    return Store(database)

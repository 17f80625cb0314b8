"""The parts that a use case works with; `bootstrap` puts them together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cultiva.definitions.workspace import Workspace
from cultiva.engine.lake import Lake
from cultiva.engine.port import Engine
from cultiva.kit.clock import Clock
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store


@dataclass(frozen=True)
class Parts:
    """Everything that a use case of the loop needs."""

    workspace: Workspace
    """What the bank says."""
    engine: Engine
    """Where sets are computed."""
    lake: Lake
    """Where snapshots lie."""
    store: Store
    """Where rows lie."""
    clock: Clock
    """Tells the present instant."""

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.workspace.root

    def at_one_moment(self) -> Parts:
        """The parts for one request: the published snapshots are looked up once, and all of an answer is of one run.

        Not for whoever runs the main job, who has to see what its steps have just published.
        """
        store = self.store.at_one_moment("profile")
        return replace(self, store=store, lake=Lake(self.lake.root, store.snapshots))

    def newest_date(self, on: date | None = None) -> date:
        """The business date of the newest profile, up to `on` if given.

        Raises:
            CultivaError: if there has been no run.
        """
        snapshot = self.store.snapshots.latest("profile", on)
        if snapshot is None:
            raise CultivaError(
                "there is no profile yet",
                code="loop.no_profile",
                kind=ErrorKind.NOT_FOUND,
                seen=self.workspace.settings.name,
                allowed="a workspace that has been run at least once" + (f" up to {on}" if on else ""),
                hint="cultiva run WORKSPACE --date YYYY-MM-DD",
            )
        return snapshot.business_date

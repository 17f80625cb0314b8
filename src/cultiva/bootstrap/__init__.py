"""The one place where the parts are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from cultiva.definitions.loading import load_workspace
from cultiva.definitions.workspace import Workspace
from cultiva.engine.lake import Lake
from cultiva.engine.open import open_engine
from cultiva.engine.spill import own_spill
from cultiva.kit.clock import Clock, utc_now
from cultiva.kit.garbage import rare_collections
from cultiva.loop.parts import Parts
from cultiva.store import open_store
from cultiva.stream import HotStore, Log, open_hot, open_log


@contextmanager
def opened(root: Path, *, overrides: Mapping[str, str] | None = None) -> Iterator[Parts]:
    """The parts of a workspace, opened for a while.

    Args:
        root: The workspace's folder.
        overrides: Values for `${name}` in its sources and for settings written `section.key`, over cultiva.toml.

    Raises:
        CultivaError: if the workspace has faults, or a part cannot be opened.
    """
    workspace = _with_own_spill(load_workspace(root, overrides=overrides or {}))
    with rare_collections():
        yield from _parts(workspace, root)


@contextmanager
def live(workspace: Workspace, *, clock: Clock = utc_now) -> Iterator[tuple[Log, HotStore]]:
    """The log and the hot store of a workspace, opened for a while.

    Args:
        workspace: Whose.
        clock: Says when a record was written.

    Raises:
        CultivaError: if one of them cannot be opened.
    """
    settings = workspace.settings.live
    log = open_log(settings, workspace.root, clock=clock)
    with closing(log), closing(open_hot(settings, workspace.root)) as hot:
        yield log, hot


def _parts(workspace: Workspace, root: Path) -> Iterator[Parts]:
    settings = workspace.settings
    store = open_store(settings.store.url, root)
    try:
        engine = open_engine(settings.engine, root=root)
        try:
            yield Parts(workspace, engine, Lake(root / settings.lake.path, store.snapshots), store, utc_now)
        finally:
            engine.close()
    finally:
        store.close()


def _with_own_spill(workspace: Workspace) -> Workspace:
    """The workspace with this process's own folder in its spill folder."""
    settings = workspace.settings
    spill = own_spill((workspace.root / settings.engine.spill).resolve())
    engine = settings.engine.model_copy(update={"spill": str(spill)})
    return replace(workspace, settings=settings.model_copy(update={"engine": engine}))

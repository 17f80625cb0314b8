"""Following the workspace's files: whoever serves it for long reads a definition again when its file has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

import structlog

from cultiva.definitions.files import workspace_files
from cultiva.definitions.loading import load_workspace
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, Faults
from cultiva.loop.parts import Parts

LOOK_SECONDS = 2.0
"""How long a changed file may stay unseen."""
_LOG = structlog.get_logger("cultiva.following")
Marks = tuple[tuple[str, int, int], ...]
"""Path, time of change and size of every file."""


class Followed:
    """The parts of a workspace as its files say now; used by many threads at once.

    Settings are those that were there at the beginning: they decide what was opened. A workspace with faults, as it is
    while somebody writes, changes nothing.

    Args:
        parts: As they were opened.
        look_seconds: How long a changed file may stay unseen.
    """

    def __init__(self, parts: Parts, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._parts = parts
        self._look = look_seconds
        self._marks = marks_of(parts.root)
        self._looked = seconds()
        self._looking = Lock()

    def now(self, changed: Callable[[], None] = lambda: None) -> Parts:
        """The parts; files are looked at every now and then, by one thread, and the others do not wait for it.

        Args:
            changed: Called when the definitions are others than before, so that what was made of them is forgotten.
        """
        if seconds() - self._looked >= self._look and self._looking.acquire(blocking=False):
            try:
                self._follow(changed)
            finally:
                self._looking.release()
        return self._parts

    def _follow(self, changed: Callable[[], None]) -> None:
        self._looked, found = seconds(), marks_of(self._parts.root)
        if found == self._marks:
            return
        self._marks = found
        before = self._parts.workspace
        try:
            workspace = load_workspace(before.root, overrides=before.settings.vars)
        except (Faults, CultivaError) as error:
            first = error.faults[0].place() if isinstance(error, Faults) else ""
            _LOG.warning("workspace.has_faults", fault=type(error).__name__, first=first)
            return
        if workspace.version != before.version:
            self._parts = replace(self._parts, workspace=replace(workspace, settings=before.settings))
            changed()
            _LOG.info("workspace.read_again", version=workspace.version)


def marks_of(root: Path) -> Marks:
    """What shows that a file of a workspace has changed; a file that is just being replaced is left out."""
    found = []
    for _, path in workspace_files(root):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))

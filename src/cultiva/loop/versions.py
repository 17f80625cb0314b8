"""Versions of a workspace in the registry: what a run, an approved draft and changed files leave there alike."""

from __future__ import annotations

from datetime import datetime

from cultiva.definitions.workspace import Workspace
from cultiva.loop.parts import Parts
from cultiva.store.records import DefinitionRecord


def keep_version(parts: Parts, workspace: Workspace, *, at: datetime) -> None:
    """Keeps a workspace's version with all its definitions; one that is kept already stays as it is.

    Args:
        parts: Whose registry it is.
        workspace: As the files say, or as they will when a draft is written.
        at: The present instant.
    """
    records = [DefinitionRecord(*key, workspace.hashes[key], body) for key, body in workspace.bodies.items()]
    parts.store.registry.record(workspace.version, records, at=at)

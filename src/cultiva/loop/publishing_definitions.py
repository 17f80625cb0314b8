"""From an approved draft to a line in the workspace's files: checked as a whole, written at once, kept in the registry.

Files stay the truth: what is written is the same YAML that a person would have written. A definition that has changed
in its file since the draft was begun is a conflict, which is told and never written over.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from cultiva.definitions.entries import data_of, entry_of, with_entry
from cultiva.definitions.files import workspace_files
from cultiva.definitions.loading import check_workspace
from cultiva.definitions.registry import definition_hashes
from cultiva.definitions.workspace import Workspace
from cultiva.execution.drafts.draft import Draft, DraftAct, DraftKind, demand_same, moved
from cultiva.execution.drafts.service import Drafts
from cultiva.kit.errors import CultivaError, ErrorKind, Fault, Faults
from cultiva.loop.parts import Parts
from cultiva.loop.tenure import held
from cultiva.loop.versions import keep_version

FOLDERS: Mapping[DraftKind, str] = MappingProxyType({DraftKind.SEGMENT: "segments", DraftKind.STRATEGY: "strategies"})
"""Where definitions of a kind lie."""
NEW_FILE = "console.yaml"
"""Where a definition goes that no file has yet."""
LEASE = "publish definitions"
"""Held while a file is written."""
_FILE = re.compile(r"[A-Za-z0-9_-]+\.yaml")


@dataclass(frozen=True)
class Live:
    """A definition as the workspace's files have it now."""

    file: str
    """Relative to the workspace; of one that is not there: the file it would go into."""
    text: str
    """Its YAML; empty: not there."""
    hash: str
    """Of what it says, whatever its layout; empty: not there."""


def live(parts: Parts, kind: DraftKind, name: str) -> Live:
    """A definition as the workspace's files have it now, whatever this process has read when it began."""
    for found, path in workspace_files(parts.root):
        if found.kind == kind.value and (text := entry_of(_read(path), name)):
            return Live(path.relative_to(parts.root).as_posix(), text, body_hash(kind, name, text))
    return Live(f"{FOLDERS[kind]}/{NEW_FILE}", "", "")


def body_hash(kind: DraftKind, name: str, body: str) -> str:
    """A name of what a definition's text says; layout and comments do not change it.

    Raises:
        CultivaError: if the text is not one mapping of that name.
    """
    return definition_hashes({(kind.value, name): data_of(body, name)})[kind.value, name]


def overtaken(draft: Draft, now: Live) -> bool:
    """Whether a draft is in conflict with the files: they say neither what it began on nor what it says itself.

    Args:
        draft: Open or not, also one that is half written, which says nothing yet.
        now: Its definition as the files have it.
    """
    try:
        said = body_hash(draft.kind, draft.name, draft.body)
    except CultivaError:
        said = ""
    return now.hash not in (draft.base_hash, said)


def check(parts: Parts, kind: DraftKind, name: str, body: str) -> list[Fault]:
    """What would be wrong or doubtful with the whole workspace if a definition said this; nothing is written.

    What is wrong without it too is not its fault, and not told.

    Args:
        parts: Of the workspace.
        kind: Of the definition.
        name: Its own.
        body: Its text.

    Returns:
        Faults and warnings, with their places in the files as they would be.

    Raises:
        CultivaError: if the text cannot be put into a file at all.
    """
    now = live(parts, kind, name)
    path = _path(parts, kind, now.file)
    made = with_entry(_read(path), name, body)
    before = {_said(one) for one in check_workspace(parts.root, overrides=parts.workspace.settings.vars)[1]}
    faults = _proposed(parts, path, made)[1]
    return [one for one in faults if _said(one) not in before]


def told_from(parts: Parts, faults: Sequence[Fault]) -> list[Fault]:
    """Faults with places as people know them: within the workspace, wherever that lies on the machine."""
    root = f"{parts.root.resolve()}/"
    return [replace(one, file=str(Path(one.file).resolve()).removeprefix(root) if one.file else "") for one in faults]


def proposed(parts: Parts, kind: DraftKind, name: str, body: str) -> tuple[Workspace | None, list[Fault]]:
    """The whole workspace if a definition said this, None if it has faults; and faults and warnings.

    Args:
        parts: Of the workspace.
        kind: Of the definition.
        name: Its own.
        body: Its text.
    """
    path = _path(parts, kind, live(parts, kind, name).file)
    return _proposed(parts, path, with_entry(_read(path), name, body))


def publish(parts: Parts, draft_id: str, revision: int, *, by: str, at: datetime) -> Draft:
    """Writes an approved draft into the workspace's files.

    Args:
        parts: Of the workspace.
        draft_id: Which.
        revision: The one that was read.
        by: Login of whoever does it.
        at: The present instant.

    Raises:
        CultivaError: a conflict, if the definition has changed in its file since, or the draft is not approved.
        Faults: if the workspace would have faults with it.
    """
    drafts = Drafts(parts.store.database)
    with held(LEASE, store=parts.store, clock=parts.clock):
        draft = drafts.one(draft_id)
        demand_same(draft, revision)
        moved(draft, DraftAct.PUBLISH)  # raises if nobody has said yes
        version = _written(parts, draft, at)
        return drafts.published(draft_id, revision, by=by, at=at, version=version)


def _written(parts: Parts, draft: Draft, at: datetime) -> str:
    """The workspace's version with the draft in its file; one that stands there already is not written again."""
    now = live(parts, draft.kind, draft.name)
    same = body_hash(draft.kind, draft.name, draft.body) == now.hash
    if overtaken(draft, now):
        raise CultivaError(
            "the definition has changed in its file since this draft was begun",
            code="drafts.conflict",
            kind=ErrorKind.CONFLICT,
            seen=f"{draft.kind} {draft.name} in {now.file}",
            allowed="the file as it was when the draft was begun",
            hint="its author opens the draft again, sees both, and saves it on the newer one",
        )
    path = _path(parts, draft.kind, now.file)
    made = _read(path) if same else with_entry(_read(path), draft.name, draft.body)
    workspace, faults = _proposed(parts, path, made)
    if workspace is None:
        raise Faults([one for one in faults if not one.warning], what=f"the workspace with {draft.kind} {draft.name}")
    if not same:
        _write(path, made)
    keep_version(parts, workspace, at=at)
    return workspace.version


def _proposed(parts: Parts, path: Path, text: str) -> tuple[Workspace | None, list[Fault]]:
    return check_workspace(parts.root, overrides=parts.workspace.settings.vars, proposed={path: text.encode()})


def _said(fault: Fault) -> tuple[str, str, str, str]:
    """A fault without its place, which moves when a line is added above it."""
    return fault.file, fault.code, fault.message, fault.seen


def _path(parts: Parts, kind: DraftKind, file: str) -> Path:
    folder, _, name = file.partition("/")
    assert folder == FOLDERS[kind] and _FILE.fullmatch(name), file
    return parts.root / folder / name


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _write(path: Path, text: str) -> None:
    """The whole file or none of it: written beside it, forced to disk, put in its place."""
    path.parent.mkdir(exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise

"""Changes that were made in the workspace's files, taken over: checked, kept as versions in the registry, audited.

Files are the truth for whoever reads the workspace next. Taking them over says who answers for the change and what it
was, and which drafts of the console began on something older: these are conflicts, which their authors see and solve.
Nothing is written into a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import Audit
from cultiva.execution.drafts.draft import Draft
from cultiva.execution.drafts.service import Drafts
from cultiva.kit.sheet import Sheet
from cultiva.loop.parts import Parts
from cultiva.loop.publishing_definitions import live, overtaken
from cultiva.loop.versions import keep_version

APPLIED, PUBLISHED = "definitions.applied", "draft.published"
"""Actions of the audit that name the version which stands from then on, as `workspace_version`."""
OPEN_MOST = 1_000
"""Drafts that are looked at; so many are never open at once."""
Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """One definition that is not what it was."""

    kind: str
    name: str
    what: str
    """added, changed, removed"""
    before: str
    """Content hash; empty: there was none."""
    after: str
    """Content hash; empty: there is none any more."""


@dataclass(frozen=True)
class Applied:
    """What taking the files over came to."""

    before: str
    """The version that stood before; empty: none was ever kept."""
    version: str
    """The files' own."""
    changes: tuple[Change, ...]
    conflicts: tuple[Draft, ...]
    """Open drafts that began on something else than the files now say, and do not say the same."""

    def sheets(self) -> list[Sheet]:
        """Tables for people."""
        changed = tuple((one.what, one.kind, one.name) for one in self.changes)
        began = tuple((one.draft_id, one.kind.value, one.name, one.author, one.state.value) for one in self.conflicts)
        found = [Sheet("changes", ("what", "kind", "name"), changed)] if changed else []
        if began:
            title = "drafts of the console that began on something older: their authors see both and choose"
            found.append(Sheet(title, ("draft", "kind", "name", "author", "state"), began))
        return found


def compared(before: Mapping[Key, str], after: Mapping[Key, str]) -> tuple[Change, ...]:
    """What differs between two versions, by kind and name; content hashes by (kind, name).

    Examples:
        >>> compared({("tag", "a"): "1", ("tag", "b"): "1"}, {("tag", "b"): "2"})[0].what
        'removed'
    """
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, ""), after.get(key, "")
        if old != new:
            found.append(Change(*key, "changed" if old and new else "added" if new else "removed", old, new))
    return tuple(found)


def standing(parts: Parts) -> str:
    """The version that was taken over or published last, else the newest that a run has kept; empty: none."""
    audit = Audit(parts.store.database)
    lines = [line for action in (APPLIED, PUBLISHED) for line in audit.lines(action=action, last=1)]
    if not lines:
        return parts.store.registry.newest()
    return str(max(lines, key=lambda line: line.number).entry.detail["workspace_version"])


def apply(parts: Parts, *, by: str, at: datetime, dry: bool = False) -> Applied:
    """Takes over what the workspace's files say now; again changes nothing.

    Args:
        parts: Of the workspace, which was checked as it was opened.
        by: Who answers for the change.
        at: The present instant.
        dry: Only look.
    """
    workspace, before = parts.workspace, standing(parts)
    known = parts.store.registry.workspace(before).definitions if before else {}
    found = Applied(before, workspace.version, compared(known, workspace.hashes), _conflicts(parts))
    if dry or (found.version == before and not found.changes):
        return found
    keep_version(parts, workspace, at=at)
    told = {"workspace_version": found.version, "before": before, "changes": len(found.changes)}
    named = [f"{one.what} {one.kind} {one.name}" for one in found.changes] if before else []
    subject = f"definitions:{found.version}"
    Audit(parts.store.database).write(Entry(at, by, APPLIED, subject, {**told, "named": named[:OPEN_MOST]}))
    return found


def _conflicts(parts: Parts) -> tuple[Draft, ...]:
    """Open drafts whose definition says something else in its file than when they were begun, and than they say."""
    drafts = Drafts(parts.store.database).listed(last=OPEN_MOST)
    return tuple(one for one in drafts if overtaken(one, live(parts, one.kind, one.name)))

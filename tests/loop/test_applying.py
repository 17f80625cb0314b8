"""Changes in files are taken over once, with who answers for them; drafts that began on something older are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cultiva import bootstrap
from cultiva.definitions.packs import init_workspace
from cultiva.execution.audit.service import Audit
from cultiva.execution.drafts.draft import DraftKind, NewDraft
from cultiva.execution.drafts.service import Drafts
from cultiva.loop.applying import APPLIED, Applied, apply, standing
from cultiva.loop.publishing_definitions import live, publish

NOW = datetime(1994, 5, 26, 1, tzinfo=UTC)
NAME = "private_banking"
OLD, NEW = "party_type = 'person' and aum_tier = 'private'", "party_type = 'person' and aum >= 9000000"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    init_workspace(tmp_path / "bank", "retail-bank")
    yield tmp_path / "bank"


def applied(root: Path, *, hours: int = 0, dry: bool = False) -> Applied:
    """As a command does it, that reads the files anew."""
    with bootstrap.opened(root) as parts:
        return apply(parts, by="li.na", at=NOW + timedelta(hours=hours), dry=dry)


def changed(root: Path, old: str, new: str) -> None:
    file = next(path for path in (root / "segments").glob("*.yaml") if old in path.read_text(encoding="utf-8"))
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_what_changed_in_the_files_is_a_version_with_a_name_behind_it(root: Path) -> None:
    first = applied(root)
    assert first.before == "" and {one.what for one in first.changes} == {"added"}
    assert applied(root, hours=1).changes == ()
    changed(root, OLD, NEW)
    assert [one.what for one in applied(root, hours=2, dry=True).changes] == ["changed"]
    found = applied(root, hours=3)
    assert [(one.what, one.kind, one.name) for one in found.changes] == [("changed", "segment", NAME)]
    with bootstrap.opened(root) as parts:
        kept = parts.store.registry.workspace(found.version).definitions["segment", NAME]
        lines = Audit(parts.store.database).lines(action=APPLIED)
    assert kept == found.changes[0].after
    assert [line.entry.actor for line in lines] == ["li.na", "li.na"]  # looking, and again, leave no line
    assert lines[-1].entry.detail["named"] == [f"changed segment {NAME}"]


def test_going_back_to_an_older_version_is_a_change_too(root: Path) -> None:
    first = applied(root)
    changed(root, OLD, NEW)
    applied(root, hours=1)
    changed(root, NEW, OLD)
    back = applied(root, hours=2)
    assert (back.version, [one.name for one in back.changes]) == (first.version, [NAME])
    assert applied(root, hours=3).changes == ()


def test_a_draft_that_began_on_something_older_is_told_and_stays(root: Path) -> None:
    applied(root)
    with bootstrap.opened(root) as parts:
        now, drafts = live(parts, DraftKind.SEGMENT, NAME), Drafts(parts.store.database)
        body = now.text.replace(OLD, "party_type = 'person' and aum >= 6000000")
        draft = drafts.save(
            NewDraft(DraftKind.SEGMENT, NAME, now.file, body, now.text, now.hash), by="wang.wei", at=NOW
        )
    assert applied(root, hours=1).conflicts == ()
    changed(root, OLD, NEW)
    found = applied(root, hours=2)
    assert [one.draft_id for one in found.conflicts] == [draft.draft_id]
    assert draft.draft_id in str(found.sheets()[-1].rows)
    with bootstrap.opened(root) as parts:
        assert Drafts(parts.store.database).one(draft.draft_id).body == body


def test_what_the_console_published_stands_until_files_say_otherwise(root: Path) -> None:
    applied(root)
    with bootstrap.opened(root) as parts:
        now, drafts = live(parts, DraftKind.SEGMENT, NAME), Drafts(parts.store.database)
        body = now.text.replace(OLD, NEW)
        draft = drafts.save(
            NewDraft(DraftKind.SEGMENT, NAME, now.file, body, now.text, now.hash), by="wang.wei", at=NOW
        )
        drafts.submit(draft.draft_id, 1, by="wang.wei", at=NOW)
        drafts.judge(draft.draft_id, 1, approved=True, by="li.na", at=NOW)
        publish(parts, draft.draft_id, 1, by="li.na", at=NOW)
        assert standing(parts) != parts.workspace.version
    assert applied(root, hours=1).changes == ()

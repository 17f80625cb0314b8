"""An approved draft becomes a definition of the workspace's files, or a conflict, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cultiva import bootstrap
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.execution.drafts.draft import Draft, DraftKind, DraftState, NewDraft
from cultiva.execution.drafts.service import Drafts
from cultiva.kit.errors import CultivaError, Faults
from cultiva.loop.parts import Parts
from cultiva.loop.publishing_definitions import check, live, publish

NOW = datetime(1994, 5, 26, 1, tzinfo=UTC)
NAME = "private_banking"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    init_workspace(tmp_path / "bank", "retail-bank")
    with bootstrap.opened(tmp_path / "bank") as opened:
        yield opened


def approved(parts: Parts, change: tuple[str, str], *, name: str = NAME, body: str = "") -> Draft:
    now, drafts = live(parts, DraftKind.SEGMENT, name), Drafts(parts.store.database)
    text = body or now.text.replace(*change)
    assert text != now.text
    new = NewDraft(DraftKind.SEGMENT, name, now.file, text, now.text, now.hash)
    draft = drafts.save(new, by="li.na", at=NOW)
    drafts.submit(draft.draft_id, 1, by="li.na", at=NOW)
    return drafts.judge(draft.draft_id, 1, approved=True, by="wang.wei", at=NOW)


def test_a_draft_is_written_once_and_kept_in_the_registry(parts: Parts) -> None:
    draft = approved(parts, ("aum_tier = 'private'", "aum >= 6000000"))
    file = parts.root / draft.file
    before = file.read_text(encoding="utf-8")
    done = publish(parts, draft.draft_id, 1, by="wang.wei", at=NOW)
    assert done.state is DraftState.PUBLISHED
    assert file.read_text(encoding="utf-8") == before.replace(
        "party_type = 'person' and aum_tier = 'private'", "party_type = 'person' and aum >= 6000000"
    )
    assert not list(file.parent.glob(".*"))
    now = load_workspace(parts.root)
    kept = parts.store.registry.workspace(now.version)
    assert kept.definitions["segment", NAME] == now.hashes["segment", NAME]
    with pytest.raises(CultivaError) as refused:
        publish(parts, draft.draft_id, 1, by="wang.wei", at=NOW)
    assert refused.value.code == "drafts.bad_move"


def test_a_definition_that_changed_in_its_file_since_is_a_conflict_and_stays(parts: Parts) -> None:
    draft = approved(parts, ("aum_tier = 'private'", "aum >= 6000000"))
    file = parts.root / draft.file
    changed = file.read_text(encoding="utf-8").replace("aum_tier = 'private'", "aum >= 9000000")
    file.write_text(changed, encoding="utf-8")
    with pytest.raises(CultivaError) as refused:
        publish(parts, draft.draft_id, 1, by="wang.wei", at=NOW)
    assert refused.value.code == "drafts.conflict"
    assert file.read_text(encoding="utf-8") == changed
    assert Drafts(parts.store.database).one(draft.draft_id).state is DraftState.APPROVED


def test_a_comment_in_the_file_is_no_conflict_and_what_was_written_before_a_crash_is_not_written_again(
    parts: Parts,
) -> None:
    draft = approved(parts, ("aum_tier = 'private'", "aum >= 6000000"))
    file = parts.root / draft.file
    written = "# mine\n" + file.read_text(encoding="utf-8").replace("aum_tier = 'private'", "aum >= 6000000")
    file.write_text(written, encoding="utf-8")
    assert publish(parts, draft.draft_id, 1, by="wang.wei", at=NOW).state is DraftState.PUBLISHED
    assert file.read_text(encoding="utf-8") == written


def test_a_workspace_that_would_have_faults_is_not_written(parts: Parts) -> None:
    draft = approved(parts, ("aum_tier", "aum_teir"))
    before = (parts.root / draft.file).read_text(encoding="utf-8")
    with pytest.raises(Faults, match="aum_teir"):
        publish(parts, draft.draft_id, 1, by="wang.wei", at=NOW)
    assert (parts.root / draft.file).read_text(encoding="utf-8") == before


def test_the_name_that_others_use_is_checked_with_the_whole_workspace(parts: Parts) -> None:
    text = live(parts, DraftKind.SEGMENT, NAME).text
    assert check(parts, DraftKind.SEGMENT, NAME, text) == []
    circle = text.replace("aum_tier = 'private'", f"segment('{NAME}')")
    assert "definitions.cycle" in {one.code for one in check(parts, DraftKind.SEGMENT, NAME, circle)}


def test_a_new_definition_has_a_file_of_its_own(parts: Parts) -> None:
    body = "name: seafarers\nlabel: { zh: 海员, en: Seafarers }\nrule: occupation = 'farmer'\n"
    draft = approved(parts, ("", ""), name="seafarers", body=body)
    assert (draft.file, draft.is_new) == ("segments/console.yaml", True)
    publish(parts, draft.draft_id, 1, by="wang.wei", at=NOW)
    assert load_workspace(parts.root).segments["seafarers"].label.zh == "海员"

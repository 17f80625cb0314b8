"""Drafts: who may do what to one in which state, and what the audit keeps of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cultiva.execution.audit.service import Audit
from cultiva.execution.drafts.draft import MOVES, Draft, DraftAct, DraftKind, DraftState, NewDraft
from cultiva.execution.drafts.service import BODY_MAX, Drafts
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store import Store

NOW = datetime(1994, 5, 26, 1, tzinfo=UTC)
BEFORE = "name: silver\nrule: age >= 60\n"
NEW = NewDraft(
    DraftKind.SEGMENT, "silver", "segments/needs.yaml", "name: silver\nrule: age >= 65\n", BEFORE, "ab12", "later"
)


@pytest.fixture
def drafts(store: Store) -> Drafts:
    return Drafts(store.database)


def begun(drafts: Drafts) -> Draft:
    return drafts.save(NEW, by="li.na", at=NOW)


def test_a_draft_is_kept_as_it_was_written(drafts: Drafts) -> None:
    draft = begun(drafts)
    assert drafts.one(draft.draft_id) == draft
    assert (draft.state, draft.revision, draft.author, draft.is_new) == (DraftState.DRAFT, 1, "li.na", False)
    assert draft.diff().splitlines()[-2:] == ["-rule: age >= 60", "+rule: age >= 65"]


def test_the_way_to_publication_needs_a_second_person_and_stands_in_the_audit(drafts: Drafts, store: Store) -> None:
    draft = begun(drafts)
    drafts.submit(draft.draft_id, 1, by="li.na", at=NOW)
    with pytest.raises(CultivaError) as refused:
        drafts.judge(draft.draft_id, 1, approved=True, by="li.na", at=NOW)
    assert refused.value.code == "drafts.own"
    yes = drafts.judge(draft.draft_id, 1, approved=True, by="wang.wei", at=NOW, remark="fine")
    assert (yes.state, yes.judge, yes.verdict) == (DraftState.APPROVED, "wang.wei", "fine")
    assert drafts.published(draft.draft_id, 1, by="wang.wei", at=NOW, version="v9").state is DraftState.PUBLISHED
    lines = Audit(store.database).lines(subject=f"draft:{draft.draft_id}")
    assert [(one.entry.action, one.entry.actor) for one in lines] == [
        ("draft.saved", "li.na"), ("draft.submitted", "li.na"), ("draft.approved", "wang.wei"),
        ("draft.published", "wang.wei"),
    ]  # fmt: skip


def test_amending_takes_back_what_was_said(drafts: Drafts) -> None:
    draft = begun(drafts)
    drafts.submit(draft.draft_id, 1, by="li.na", at=NOW)
    drafts.judge(draft.draft_id, 1, approved=True, by="wang.wei", at=NOW)
    amended = drafts.amend(draft.draft_id, 1, NEW, by="li.na", at=NOW)
    assert (amended.state, amended.revision, amended.judge) == (DraftState.DRAFT, 2, "")
    with pytest.raises(CultivaError) as refused:
        drafts.published(draft.draft_id, 2, by="wang.wei", at=NOW, version="v9")
    assert refused.value.code == "drafts.bad_move"


def test_nobody_judges_a_revision_that_they_have_not_read(drafts: Drafts) -> None:
    draft = begun(drafts)
    drafts.amend(draft.draft_id, 1, NEW, by="li.na", at=NOW)
    drafts.submit(draft.draft_id, 2, by="li.na", at=NOW)
    with pytest.raises(CultivaError) as refused:
        drafts.judge(draft.draft_id, 1, approved=True, by="wang.wei", at=NOW)
    assert (refused.value.code, refused.value.kind) == ("drafts.stale", ErrorKind.CONFLICT)
    assert drafts.one(draft.draft_id).state is DraftState.SUBMITTED


@pytest.mark.parametrize("act", ["amend", "submit", "withdraw"])
def test_only_the_author_amends_submits_and_withdraws(drafts: Drafts, act: str) -> None:
    draft = begun(drafts)
    with pytest.raises(CultivaError) as refused:
        if act == "amend":
            drafts.amend(draft.draft_id, 1, NEW, by="wang.wei", at=NOW)
        else:
            getattr(drafts, act)(draft.draft_id, 1, by="wang.wei", at=NOW)
    assert (refused.value.code, refused.value.kind) == ("drafts.not_yours", ErrorKind.FORBIDDEN)
    assert drafts.one(draft.draft_id) == draft


def test_a_no_needs_a_reason(drafts: Drafts) -> None:
    draft = begun(drafts)
    drafts.submit(draft.draft_id, 1, by="li.na", at=NOW)
    with pytest.raises(CultivaError) as refused:
        drafts.judge(draft.draft_id, 1, approved=False, by="wang.wei", at=NOW, remark="  ")
    assert refused.value.code == "drafts.no_reason"
    no = drafts.judge(draft.draft_id, 1, approved=False, by="wang.wei", at=NOW, remark="too old")
    assert no.state is DraftState.REJECTED


def test_what_is_done_with_stays_so() -> None:
    done = {DraftState.PUBLISHED, DraftState.WITHDRAWN}
    assert not [state for state, _ in MOVES if state in done]
    assert {state for (state, act) in MOVES if act is DraftAct.PUBLISH} == {DraftState.APPROVED}


def test_drafts_are_listed_newest_first_by_definition_state_and_author(drafts: Drafts) -> None:
    first = begun(drafts)
    second = drafts.save(NEW, by="wang.wei", at=NOW + timedelta(minutes=1))
    drafts.withdraw(first.draft_id, 1, by="li.na", at=NOW + timedelta(minutes=2))
    assert [one.draft_id for one in drafts.of(DraftKind.SEGMENT, "silver")] == [first.draft_id, second.draft_id]
    assert [one.draft_id for one in drafts.listed()] == [second.draft_id]
    assert [one.draft_id for one in drafts.listed(states={DraftState.WITHDRAWN}, author="li.na")] == [first.draft_id]
    assert not drafts.listed(kind=DraftKind.STRATEGY)


@pytest.mark.parametrize("body", ["", " \n", "x" * (BODY_MAX + 1)])
def test_a_text_that_is_empty_or_too_long_is_refused(drafts: Drafts, body: str) -> None:
    with pytest.raises(CultivaError) as refused:
        drafts.save(NewDraft(DraftKind.SEGMENT, "silver", "segments/needs.yaml", body), by="li.na", at=NOW)
    assert refused.value.code == "drafts.bad_size"


def test_a_draft_that_is_not_there_is_not_found(drafts: Drafts) -> None:
    with pytest.raises(CultivaError) as refused:
        drafts.one("nothing")
    assert refused.value.kind is ErrorKind.NOT_FOUND

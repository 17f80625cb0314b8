"""A strategy's change goes from the form to a draft, to a second person, to the file; nothing on the way is skipped."""

from __future__ import annotations

import html
import re

from tests.console.desks import ConsoleUnderTest

from cultiva.definitions.loading import load_workspace
from cultiva.execution.access.roles import Role
from cultiva.execution.audit.service import Audit
from cultiva.execution.drafts.draft import Draft, DraftKind, DraftState
from cultiva.execution.drafts.service import Drafts
from cultiva.loop.publishing_definitions import live

NAME = "car_owner_card"


def text_of(console: ConsoleUnderTest) -> str:
    return live(console.parts, DraftKind.STRATEGY, NAME).text


def only_draft(console: ConsoleUnderTest) -> Draft:
    (found,) = Drafts(console.parts.store.database).of(DraftKind.STRATEGY, NAME)
    return found


def body_in(page: str) -> str:
    found = re.search(r'<textarea[^>]*id="field-body"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_form_and_text_become_one_and_the_difference_is_told(console: ConsoleUnderTest) -> None:
    window = console.as_role(Role.ANALYST)
    assert body_in(window.text(f"/strategies/{NAME}/edit")).strip() == text_of(console).strip()
    form = {"source": "form", "body": text_of(console), "holdout": "0.25", "active": "true"}
    found = window.post("/strategies/editor/check", form, part=True)
    assert found.status_code == 200 and "No fault" in found.text
    assert body_in(found.text).count("holdout: 0.25") == 1
    assert '<span class="diff-new">+holdout: 0.25</span>' in found.text
    assert load_workspace(console.parts.root).strategies[NAME].holdout != 0.25


def test_every_fault_is_told_at_once_with_its_line(console: ConsoleUnderTest) -> None:
    body = text_of(console) + "holdout: 7\nbudget: -5\n"
    found = console.as_role(Role.ANALYST).post("/strategies/editor/check", {"source": "text", "body": body}, part=True)
    text = html.unescape(found.text)
    places = re.findall(r'<span class="rule">(strategies/\w+\.yaml:\d+:\d+)</span>', text)
    assert len(set(places)) >= 2, text[-2000:]


def test_a_text_that_cannot_be_read_is_kept_and_told(console: ConsoleUnderTest) -> None:
    found = console.as_role(Role.ANALYST).post(
        "/strategies/editor/check", {"source": "text", "body": "name: [\n"}, part=True
    )
    assert found.status_code == 200 and "The text cannot be read." in found.text and "name: [" in found.text


def test_from_a_draft_to_the_file_by_two_people(own_console: ConsoleUnderTest) -> None:
    console, before = own_console, text_of(own_console)
    author, judge = console.as_role(Role.ANALYST), console.as_role(Role.APPROVER)
    body = before + "holdout: 0.3\n" if "holdout:" not in before else re.sub(r"holdout: \S+", "holdout: 0.3", before)
    saved = author.post("/strategies/editor/save", {"body": body.replace("\n", "\r\n"), "remark": "a clearer result"})
    assert saved.headers["location"] == f"/strategies/{NAME}/edit"
    draft = only_draft(console)
    assert draft.body == body and draft.base_text == before and text_of(console) == before
    assert "Submit for approval" in author.text(f"/strategies/{NAME}/edit")
    author.post(f"/strategies/drafts/{draft.draft_id}/submit", {"revision": 1})
    assert f"/approvals/drafts/{draft.draft_id}" in judge.text("/approvals")
    page = judge.text(f"/approvals/drafts/{draft.draft_id}")
    assert "+holdout: 0.3" in page and "a clearer result" in page and "No fault" in page
    judge.post(f"/approvals/drafts/{draft.draft_id}", {"revision": 1, "word": "approve"})
    assert only_draft(console).state is DraftState.PUBLISHED
    assert load_workspace(console.parts.root).strategies[NAME].holdout == 0.3
    said = [line.entry.action for line in Audit(console.parts.store.database).lines()]
    assert [one for one in said if one.startswith("draft.")] == [
        "draft.saved", "draft.submitted", "draft.approved", "draft.published",
    ]  # fmt: skip


def test_a_no_needs_a_reason_and_comes_back_to_the_author(own_console: ConsoleUnderTest) -> None:
    author, judge = own_console.as_role(Role.ANALYST), own_console.as_role(Role.APPROVER)
    author.post("/strategies/editor/save", {"body": text_of(own_console) + "budget: 10\n"})
    draft = only_draft(own_console)
    author.post(f"/strategies/drafts/{draft.draft_id}/submit", {"revision": 1})
    address = f"/approvals/drafts/{draft.draft_id}"
    assert judge.post(address, {"revision": 1, "word": "reject"}).status_code == 422
    judge.post(address, {"revision": 1, "word": "reject", "remark": "too little"})
    assert only_draft(own_console).state is DraftState.REJECTED
    assert "too little" in author.text(f"/strategies/{NAME}/edit")
    amended = {"body": text_of(own_console) + "budget: 99\n", "draft": draft.draft_id, "revision": 1}
    author.post("/strategies/editor/save", amended)
    assert (only_draft(own_console).state, only_draft(own_console).revision) == (DraftState.DRAFT, 2)


def test_a_draft_with_which_the_workspace_has_faults_is_not_put_forward(own_console: ConsoleUnderTest) -> None:
    author = own_console.as_role(Role.ANALYST)
    author.post("/strategies/editor/save", {"body": text_of(own_console) + "holdout: 7\n"})
    draft = only_draft(own_console)
    refused = author.post(f"/strategies/drafts/{draft.draft_id}/submit", {"revision": 1})
    assert refused.status_code == 409 and only_draft(own_console).state is DraftState.DRAFT
    author.post(f"/strategies/drafts/{draft.draft_id}/withdraw", {"revision": 1})
    assert only_draft(own_console).state is DraftState.WITHDRAWN


def test_a_draft_keeps_its_name(own_console: ConsoleUnderTest) -> None:
    author = own_console.as_role(Role.ANALYST)
    author.post("/strategies/editor/save", {"body": text_of(own_console) + "budget: 1\n"})
    draft = only_draft(own_console)
    other = {"body": "name: other\n", "draft": draft.draft_id, "revision": 1}
    assert author.post("/strategies/editor/save", other).status_code == 409

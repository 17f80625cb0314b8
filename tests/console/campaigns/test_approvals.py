"""The inbox of the second person: everything explained, and never one's own."""

from __future__ import annotations

import html

from tests.api.banks import NOW
from tests.console.campaigns.test_campaigns import approved, desk, put_forward
from tests.console.desks import ConsoleUnderTest

from cultiva.execution.access.roles import Role
from cultiva.execution.launching.launches import Person, State
from cultiva.execution.tables import LAUNCH


def test_the_inbox_has_what_waits_and_what_is_missing(launched: ConsoleUnderTest) -> None:
    launch = put_forward(launched)
    missing = desk(launched).missing(launch)
    text = launched.as_role(Role.APPROVER).text("/approvals")
    assert f"/approvals/launches/{launch.launch_id}" in text and f"{missing.approvals} people" in text
    assert launched.as_role(Role.OPERATOR).get("/approvals").status_code == 403


def test_the_explanation_says_who_what_and_at_what_cost(launched: ConsoleUnderTest) -> None:
    launch = put_forward(launched)
    text = html.unescape(launched.as_role(Role.APPROVER).text(f"/approvals/launches/{launch.launch_id}"))
    told = launch.explanation
    for step in told["funnel"]:
        assert f"{step['left']:,}" in text
    assert told["audience"] in text and f"{launch.customers:,}" in text
    for title in ("who is left after every filter", "cost", "expected effect", "left alone to measure the effect"):
        assert title in text


def test_a_yes_in_a_role_and_then_the_other_one(launched: ConsoleUnderTest) -> None:
    launch, window = put_forward(launched), launched.as_role(Role.APPROVER)
    needed = desk(launched).missing(launch)
    role = needed.roles[0] if needed.roles else "executive"
    window.post(f"/approvals/launches/{launch.launch_id}", {"role": role, "word": "approve", "remark": "fine"})
    (said,) = desk(launched).judgements(launch.launch_id)
    assert (said.approver, said.role, said.approved, said.remark) == ("approver.en", role, True, "fine")
    after = desk(launched).one(launch.launch_id)
    assert (after.state is State.APPROVED) == (needed.approvals == 1)
    again = window.post(f"/approvals/launches/{launch.launch_id}", {"role": role, "word": "approve"})
    assert again.status_code == 409


def test_one_no_is_enough(launched: ConsoleUnderTest) -> None:
    launch, window = put_forward(launched), launched.as_role(Role.APPROVER)
    window.post(f"/approvals/launches/{launch.launch_id}", {"role": "executive", "word": "reject", "remark": "why"})
    assert desk(launched).one(launch.launch_id).state is State.REJECTED


def test_the_author_has_no_button_reads_why_and_is_refused(launched: ConsoleUnderTest) -> None:
    launch = put_forward(launched)
    with launched.parts.store.database.writing() as connection:
        connection.execute(LAUNCH.update().values(author="TEST  Approver"))
    window = launched.as_role(Role.APPROVER)
    text = window.text(f"/approvals/launches/{launch.launch_id}")
    assert "nobody judges a launch of their own" in text and 'value="approve"' not in text
    assert "yours" in window.text("/approvals")
    form = {"role": "executive", "word": "approve"}
    assert window.post(f"/approvals/launches/{launch.launch_id}", form).status_code == 403
    assert desk(launched).one(launch.launch_id).state is State.SUBMITTED


def test_what_was_not_read_is_not_approved(launched: ConsoleUnderTest) -> None:
    launch, window = put_forward(launched), launched.as_role(Role.APPROVER)
    form = {"role": "executive", "word": "approve", "version": "another"}
    assert window.post(f"/approvals/launches/{launch.launch_id}", form).status_code == 409
    assert not desk(launched).judgements(launch.launch_id)


def test_a_launch_that_was_judged_has_no_form(launched: ConsoleUnderTest) -> None:
    launch = approved(launched)
    desk(launched).go_live(launch.launch_id, Person("chen"), NOW)
    assert 'name="word"' not in launched.as_role(Role.APPROVER).text(f"/approvals/launches/{launch.launch_id}")

"""approval.yaml: what the pack says, what a workspace without it does, and what is refused."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Check

from cultiva.definitions.approval import ANYBODY, Approval
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace

ROLE = "{ name: lead, label: { zh: 主管, en: Lead }, %s }"
ROLES = f"roles: [{ROLE}]\n"
DEMAND = "demands: [{ name: many, label: { zh: 多, en: Many }, %s }]\n"


def test_the_pack_has_limits_and_takes_two_people_for_large_amounts_and_investments(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("packs") / "bank"
    init_workspace(folder)
    approval = load_workspace(folder).approval
    limits = {one.name: one.cost_max for one in approval.roles}
    assert limits == {"campaign_lead": 50_000, "product_head": 500_000, "executive": None, "compliance": None}
    assert [(one.name, one.approvals, one.role) for one in approval.demands] == [
        ("large_amounts", 2, None),
        ("investments", 2, "compliance"),
    ]
    compliance = approval.role("compliance")
    assert compliance is not None and compliance.only_beside
    assert approval.second_person == ("lift",)


def test_without_the_file_any_second_person_approves(check: Check) -> None:
    found = check()
    assert found.workspace is not None and found.workspace.approval == Approval()
    assert found.workspace.approval.roles == (ANYBODY,)
    assert ("approval", "approval") not in found.workspace.hashes


def test_a_changed_limit_is_a_changed_workspace(check: Check) -> None:
    one, two = (check(files={"approval.yaml": ROLES % f"cost_max: {most}"}) for most in (1, 2))
    assert one.workspace is not None and two.workspace is not None
    assert one.workspace.version != two.workspace.version


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ROLES % "cost_max: -1", "greater than or equal to 0"),
        (ROLES % "limit: 1", "cost_max"),
        (ROLES % "channels: [appp]", "did you mean 'app'?"),
        (ROLES % "only_beside: true", "enough alone"),
        ("roles: []\n", "at least 1"),
        (f"roles: [{ROLE % 'cost_max: 1'}, {ROLE % 'cost_max: 2'}]\n", "twice"),
        (DEMAND % "cost_over: 5", "approvals of 2 or more, or a role"),
        (DEMAND % "approvals: 2, offers: [nothing_of_the_kind]", "unknown offer"),
        (DEMAND % "approvals: 2, strategies: [nothing_of_the_kind]", "unknown strategy"),
        (DEMAND % "role: leed", "there are: approver"),
        (ROLES % "members: [li, ' LI']" + DEMAND % "approvals: 2", "takes 2 people, the roles have 1"),
        ("second_person: [halt]\n", "lift"),
        ("testers: [{ name: li, addresses: { fax: '1' } }]\n", "unknown channel"),
        ("testers: [{ name: li, addresses: {} }]\n", "at least 1"),
    ],
)
def test_what_cannot_be_meant_is_a_fault_with_its_place(check: Check, text: str, words: str) -> None:
    faults = check(files={"approval.yaml": text}).faults
    assert faults and all("approval.yaml:" in fault.place() for fault in faults)
    said = " ".join(f"{one.message} {one.allowed} {one.hint}" for one in faults)
    assert words in said

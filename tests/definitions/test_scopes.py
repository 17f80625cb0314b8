"""Which names a rule may use where it stands, and in which order tags are computed."""

from __future__ import annotations

import pytest
from tests.definitions.conftest import Check

from cultiva.contracts.types import DataType
from cultiva.definitions.cycles import cycles, levels, tag_order
from cultiva.definitions.scopes import (
    platform_columns,
    profile_scope,
    row_scope,
    stage_scope,
    tag_scope,
    value_scope,
    view_scope,
)
from cultiva.definitions.workspace import Workspace


@pytest.fixture
def workspace(check: Check) -> Workspace:
    found = check(
        ("sources/core.yaml", "select id as account_id,", "select id as account_id, flag,"),
        ("sources/core.yaml", "    select: select", "    extra_columns: { flag: boolean }\n    select: select"),
    ).workspace
    assert found is not None
    return found


def test_the_profile_has_tags_value_tiers_and_stages(workspace: Workspace) -> None:
    scope = profile_scope(workspace)
    assert list(scope.names) == [
        "customer_id", "party_type", "birth_date", "branch_id", "aum", "age", "value_spread", "current_value",
        "potential_value", "relationship_value", "activity_value", "comprehensive_value", "value_tier", "stage",
        "previous_stage",
    ]  # fmt: skip
    assert scope.names["customer_id"] is DataType.INTEGER
    assert scope.names["value_spread"] is DataType.MONEY
    assert scope.names["stage"] is DataType.TEXT
    assert set(scope.segments) == {"adults", "wealthy"}
    assert scope.events == {"loan_started": {"amount": DataType.NUMBER}}


def test_a_rule_may_use_what_is_computed_before_it(workspace: Workspace) -> None:
    made = set(platform_columns(workspace)) - {"customer_id"}
    assert not made & set(tag_scope(workspace).names)
    assert made & set(value_scope(workspace).names) == {"value_spread", "current_value"}
    assert made - set(stage_scope(workspace).names) == {"stage"}
    assert not stage_scope(workspace).segments


def test_a_view_has_its_columns_the_banks_own_and_the_parameters(workspace: Workspace) -> None:
    scope = view_scope(workspace, "holding")
    assert scope.names["balance"] is DataType.MONEY
    assert scope.names["flag"] is DataType.BOOLEAN
    assert scope.names["customer_id"] is DataType.INTEGER
    assert scope.constants == {"rate": 0.01}
    assert "flag" not in view_scope(workspace, "event").names


def test_a_row_rule_sees_the_mapped_row(workspace: Workspace) -> None:
    account = next(table for table in workspace.sources.tables if table.table == "account")
    assert {"account_id", "flag", "opened_on"} <= set(row_scope(account).names)


def test_expression_tags_are_ordered_by_what_they_use(check: Check) -> None:
    more = "".join(
        f"- name: {name}\n  label: {{ zh: 一, en: One }}\n  type: number\n  expression: {expression}\n"
        for name, expression in (("third", "second + first"), ("second", "first + 1"), ("first", "aum / 2"))
    )
    workspace = check(("tags/tags.yaml", "- name: age", f"{more}- name: age")).workspace
    assert workspace is not None
    assert tag_order(workspace) == [["age", "first"], ["second"], ["third"]]


def test_names_on_a_circle_have_no_level() -> None:
    uses = {"a": frozenset("b"), "b": frozenset("a"), "c": frozenset("a"), "d": frozenset("x")}
    assert levels(uses) == [["d"]]
    assert list(cycles(uses)) == [("a", "b", "a")]

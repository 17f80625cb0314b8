from __future__ import annotations

from tests.definitions.conftest import Check


def test_the_small_workspace_has_no_fault_and_no_warning(check: Check) -> None:
    checked = check()
    assert checked.faults == []
    assert checked.workspace is not None
    assert list(checked.workspace.tags) == ["party_type", "birth_date", "branch_id", "aum", "age"]

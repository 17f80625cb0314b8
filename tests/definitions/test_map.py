"""`map.yaml`: rows of the strategy map."""

from __future__ import annotations

from pathlib import Path

import pytest

from cultiva.definitions.loading import check_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.strategy.map.axes import axes_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "bank", "retail-bank")
    return tmp_path / "bank"


def test_a_row_that_is_no_segment_is_a_fault_at_its_line(root: Path) -> None:
    (root / "map.yaml").write_text("groups:\n  - segment: villagers\n  - segment: vilagers\n", encoding="utf-8")
    _, faults = check_workspace(root)
    (fault,) = [one for one in faults if not one.warning]
    assert (fault.code, fault.line, fault.seen) == ("definitions.unknown_segment", 3, "vilagers")
    assert "villagers" in fault.hint


def test_a_segment_is_one_row_only(root: Path) -> None:
    (root / "map.yaml").write_text("groups:\n  - segment: villagers\n  - segment: villagers\n", encoding="utf-8")
    _, faults = check_workspace(root)
    assert ["only one row" in one.message for one in faults if not one.warning] == [True]


def test_without_the_file_rows_are_what_audiences_name_and_what_is_made_for_marketing(root: Path) -> None:
    (root / "map.yaml").unlink()
    workspace, _ = check_workspace(root)
    assert workspace is not None and workspace.map.touched_days == 30
    rows = axes_of(workspace).groups
    assert {"silver", "payroll", "wealth_candidates", "pilot_group"} <= set(rows)
    assert "borrowers" not in rows  # neither marketing nor named by an audience
    assert list(rows) == [name for name in workspace.segments if name in rows]

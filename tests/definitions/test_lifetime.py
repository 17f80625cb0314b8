from __future__ import annotations

from pathlib import Path

from tests.definitions.conftest import FILES

from cultiva.definitions.loading import check_workspace


def faults_of(root: Path, lifetime: str) -> list[tuple[str, str, str]]:
    """Code, value seen and what was allowed, for the small workspace with this section."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + (f"lifetime: {lifetime}\n" if name == "value.yaml" else ""), encoding="utf-8")
    _, faults = check_workspace(root)
    return [(fault.code, fault.seen, fault.allowed) for fault in faults if not fault.warning]


def test_purchases_are_components_over_transaction(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "{ purchases: [fes] }")
    assert fault[:2] == ("definitions.unknown_component_over_transaction", "fes")


def test_groups_are_columns_of_the_party_record(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "good", "{ group_by: party_type }") == []
    (fault,) = faults_of(tmp_path / "bad", "{ group_by: party_tpe }")
    assert fault[:2] == ("definitions.unknown_party_column", "party_tpe")
    assert "branch_id" in fault[2]


def test_a_horizon_has_a_length(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "{ horizon_months: 0 }")
    assert fault[1] == "0"

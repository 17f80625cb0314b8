from __future__ import annotations

from pathlib import Path

import pytest
from tests.definitions.conftest import FILES

from cultiva.definitions.loading import check_workspace

MICRO = """\
- name: kinds
  label: { zh: 类, en: Kinds }
  tags: [age, %s]
"""


def faults_of(root: Path, tag: str) -> list[tuple[str, str, str, str]]:
    for name, text in {**FILES, "micro/kinds.yaml": MICRO % tag}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _, faults = check_workspace(root)
    return [
        (fault.place().removeprefix(f"{root.as_posix()}/"), fault.message, fault.seen, fault.allowed)
        for fault in faults
        if fault.code == "definitions.cluster_type"
    ]


@pytest.mark.parametrize("tag", ["aum", "party_type", "stage", "comprehensive_value", "value_tier"])
def test_numbers_texts_and_truths_can_be_clustered_on(tmp_path: Path, tag: str) -> None:
    assert faults_of(tmp_path, tag) == []


def test_a_date_cannot_be_clustered_on(tmp_path: Path) -> None:
    allowed = "integer, number, money, boolean, text tags"
    assert faults_of(tmp_path, "birth_date") == [
        ("micro/kinds.yaml:3:15", "a date tag cannot be clustered on", "birth_date", allowed)
    ]

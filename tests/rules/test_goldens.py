"""Text pairs that a person can add to: what is said about faulty rules, and how rules are spelled."""

from __future__ import annotations

import pytest
from tests.rules.golden import SCOPE, faults_of, pairs, spelled

from cultiva.rules import compile_rule


@pytest.mark.parametrize(("text", "expected"), pairs("rule_faults"), ids=lambda text: text[:30])
def test_faults_are_told_as_written_down(text: str, expected: str) -> None:
    assert faults_of(text) == expected


@pytest.mark.parametrize(("text", "expected"), pairs("rule_spelling"), ids=lambda text: text[:30])
def test_rules_are_spelled_as_written_down(text: str, expected: str) -> None:
    assert spelled(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in pairs("rule_spelling")], ids=lambda text: text[:30])
def test_the_canonical_spelling_means_the_same(text: str) -> None:
    rule = compile_rule(text, SCOPE)
    again = compile_rule(spelled(text), SCOPE)
    assert again.columns == rule.columns
    assert spelled(spelled(text)) == spelled(text)

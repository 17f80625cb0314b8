"""What is called impossible never holds: checked against the rules themselves over every row of a small world."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.contracts.types import DataType
from cultiva.definitions.alternatives import TooManyAlternativesError, alternatives, is_possible
from cultiva.rules import Rule, Scope, compile_rule

TODAY = date(1994, 3, 30)
SCOPE = Scope(
    names={"a": DataType.INTEGER, "n": DataType.NUMBER, "s": DataType.TEXT, "b": DataType.BOOLEAN},
    segments={"grown": "a >= 2"},
)
WORLD = [
    {"a": a, "n": n, "s": s, "b": b}
    for a, n, s, b in product((None, 0, 1, 2, 3), (None, 0.5, 1.0, 2.5), (None, "x", "y"), (None, True, False))
]

OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
COMPARISONS = [f"{column} {op} {value}" for column in "an" for op in OPERATORS for value in (-1, 0.5, 1, 2)]
COMPARISONS += [f"2 {op} a" for op in OPERATORS]
COMPARISONS += ["a between 1 and 2", "a not between 1 and 2", "a in (1, 3)", "a not in (0, 1)", "n between 1 and 0"]
COMPARISONS += ["s = 'x'", "s <> 'x'", "s in ('x', 'z')", "s not in ('x', 'y')", "s is null", "s is not null"]
COMPARISONS += ["b", "not b", "b is null", "true", "false", "segment('grown')", "a is null", "coalesce(a > 1, true)"]
COMPARISONS += ["coalesce(b, false)", "a + 1 > 2", "length(s) = 1"]
RULES = st.recursive(
    st.sampled_from(COMPARISONS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} and {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} or {pair[1]})"),
        inner.map(lambda rule: f"(not {rule})"),
    ),
    max_leaves=7,
)


def ways(rule: Rule, wanted: bool | None) -> bool:
    """Whether the rule can come out as wanted, as far as can be said."""
    try:
        return is_possible(alternatives(rule.node, wanted=wanted), {"s": frozenset("xy")})
    except TooManyAlternativesError:
        return True


@settings(max_examples=400, deadline=None)
@given(RULES)
def test_what_happens_is_never_called_impossible(text: str) -> None:
    rule = compile_rule(text, SCOPE, expected=DataType.BOOLEAN)
    value = rule.closure(TODAY)
    results = {value(row) for row in WORLD}
    assert ways(rule, True) or True not in results
    assert ways(rule, False) or False not in results
    assert ways(rule, None) or not results & {False, None}


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "a > 1 and a < 2",
        "n > 1 and n < 1",
        "a = 1 and a <> 1",
        "s = 'x' and s = 'y'",
        "s = 'x' and s is null",
        "s not in ('x', 'y')",
        "a in (1, 2) and a >= 3",
        "not (a < 5 or a >= 5)",
        "segment('grown') and a = 1",
        "(a > 3 and b) and (a < 2 or not b)",
        "n between 3 and 2",
    ],
)
def test_a_contradiction_is_found(text: str) -> None:
    assert not ways(compile_rule(text, SCOPE), True)


@pytest.mark.parametrize(
    "text", ["not (a < 5 and a >= 3)", "n > 1 and n < 2", "a + 1 > 2 and a + 1 < 0", "b or a > 3 and a < 2"]
)
def test_what_can_hold_is_left_alone(text: str) -> None:
    assert ways(compile_rule(text, SCOPE), True)


def test_a_rule_with_too_many_alternatives_is_not_taken_apart() -> None:
    rule = compile_rule(" and ".join(f"(a = {n} or n = {n})" for n in range(12)), SCOPE)
    with pytest.raises(TooManyAlternativesError):
        alternatives(rule.node)

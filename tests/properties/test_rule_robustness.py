"""No text, however broken, raises anything but the language's own error."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.drawn_rules import SCOPE, TODAY, Drawer

from cultiva.contracts.types import DataType
from cultiva.rules import FUNCTIONS, RuleErrors, check_rule, compile_rule
from cultiva.rules.calls import SPECIAL

PIECES = """
( ) [ ] { } , . ; : :: ' " -- /* */ + - * / % = <> < > || | & && ^ ~ ! != == ? @ # $ $1 \\
select from where and or not null true false is in between like escape case when then else end as
exists any all interval date timestamp '2024-01-01' '' 1 0 -1 1e999 0x1F 1. .5 99999999999999999999
cast over order by distinct values array map struct lambda => -> today rate segment('rich') 深耕 💥
"""
WORDS = [*FUNCTIONS, *SPECIAL, *SCOPE.names, "\n", "\t", " ", *PIECES.split()]


def attempt(text: str) -> None:
    """Reads a text; what compiles must also run in every form."""
    try:
        rule = compile_rule(text, SCOPE)
    except RuleErrors as error:
        assert error.faults
        assert all(fault.line >= 1 and fault.column >= 1 and fault.message for fault in error.faults)
        assert str(error)
        return
    assert check_rule(text, SCOPE) == []
    rule.form(TODAY).polars()
    rule.closure(TODAY)({**dict.fromkeys(SCOPE.names), "in_list_vip": None})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60))
def test_any_text_gives_a_rule_or_its_faults(text: str) -> None:
    attempt(text)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), max_size=14), st.sampled_from(["", " "]))
def test_any_words_of_sql_give_a_rule_or_its_faults(words: list[str], gap: str) -> None:
    attempt(gap.join(words))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_rules_give_faults(seed: int) -> None:
    drawer, rng = Drawer(seed), random.Random(seed)
    for _ in range(150):
        text = list(drawer.rule(DataType.BOOLEAN, 3))
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(text))
            text[place : place + rng.randint(0, 3)] = rng.choice([[], [rng.choice(string.printable)], ["深"], ["'"]])
            if not text:
                break
        attempt("".join(text))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "(" * 29 + "true" + ")" * 29,
        "not " * 3000 + "true",
        "- " * 3000 + "1 > 0",
        " and ".join(["b"] * 3000),
        " or ".join(["i > 1"] * 1500),
        " + ".join(["i"] * 2000) + " > 1",
        " || ".join(["s"] * 40) + " = s",
        "case " + "when b then 1 " * 1000 + "end = 1",
        "case when b then " * 300 + "1" + " end" * 300 + " = 1",
        "if(b, " * 28 + "1" + ", 2)" * 28 + " = 1",
        "abs(" * 28 + "x" + ")" * 28 + " > 1",
        "x" + " / (1 + x" * 25 + ")" * 25 + " > 1",
        "coalesce(" * 28 + "b" + ", false)" * 28,
        "i in (" + ", ".join(str(n) for n in range(3000)) + ")",
        "a" * 30000,
        "'" + "x" * 15000,
        "\x00",
        "x > \ud800",
        "s = '\x00'",
        "i = " + "9" * 5000,
        "x = 1e" + "9" * 50,
        "x = 0." + "1" * 5000,
    ],
    ids=lambda text: f"{text[:12]!r}-{len(text)}",
)
def test_extreme_texts_end_in_a_rule_or_a_fault(text: str) -> None:
    attempt(text)

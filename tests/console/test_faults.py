"""What fails is said in Chinese too: sentences of errors are read from the source and looked for in the catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cultiva
from cultiva.console.faults import sentences, told_fault
from cultiva.console.words import catalogue
from cultiva.contracts.types import DataType
from cultiva.rules import FUNCTIONS, Scope, check_rule

SOURCE = Path(cultiva.__file__).parent
RAISES = re.compile(r"fault|Fault|Error$|refus|_unknown|_unreadable|_forbid")
"""Names of calls that say what is wrong."""
SAID = frozenset({"message", "seen", "allowed", "hint"})
WORDS = re.compile(r"[a-z]{2,}[^a-z]+[a-z]*[a-z]{2,}")
"""Two words at least: a single one is a value or a code."""
CODE = re.compile(r"[a-z_.%]+|https://host/\.\.\.|select \.\.\. as %s|manages: true")
"""Codes of faults, and what is written as it is."""
KNOWN = {str(message.id): str(message.string) for message in catalogue("zh") if message.id}
PLACES = (
    "rules",
    "definitions",
    "execution/drafts",
    "execution/launching/refusals.py",
    "execution/launching/halting.py",
    "execution/launching/judging.py",
    "execution/launching/states.py",
    "execution/access/entering/proofs.py",
    "execution/access/entering/roll.py",
    "execution/access/entering/users.py",
    "execution/access/unmasking.py",
    "execution/tasks",
    "loop/groups",
    "loop/strategy_editing.py",
    "loop/campaigns.py",
)
"""What the console's users run into; the rest is for those at a terminal."""
TERMINAL = re.compile(r"cultiva [a-z]+|--[a-z]|DuckDB|Renderer")


def texts_of(node: ast.expr | None) -> Iterator[str]:
    """The texts that an expression may be; `%s` for each value set into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "%s" for one in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*texts_of(node.body), *texts_of(node.orelse))
    elif isinstance(node, ast.BoolOp):
        for one in node.values:
            yield from texts_of(one)
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from texts_of(value)


def said_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named = [word.value for word in node.keywords if word.arg in SAID]
            for each in [*node.args, *named] if RAISES.search(name) else named:
                yield from texts_of(each)
        elif isinstance(node, ast.Assign):
            names = {one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            if names & SAID:
                yield from (text for each in _elements(node.value) for text in texts_of(each))
        elif isinstance(node, ast.FunctionDef) and node.name == "_hint":
            yield from (text for one in ast.walk(node) if isinstance(one, ast.Dict) for text in texts_of(one))


def _elements(value: ast.expr) -> list[ast.expr]:
    return list(value.elts) if isinstance(value, ast.Tuple) else [value]


def files(place: str) -> list[Path]:
    path = SOURCE / place
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


@pytest.mark.parametrize("place", PLACES)
def test_every_sentence_of_an_error_is_there_in_chinese(place: str) -> None:
    found = {
        text for file in files(place) for text in said_in(ast.parse(file.read_text(encoding="utf-8")))
        if WORDS.search(text.replace("%s", "")) and not CODE.fullmatch(text) and not TERMINAL.search(text)
    }  # fmt: skip
    assert found
    missing = sorted(text for text in found if not KNOWN.get(text))
    assert not missing, "\n".join(missing)


def test_every_function_of_the_rule_language_is_explained_in_chinese() -> None:
    offered = [one for one in FUNCTIONS.values() if not one.operator]
    assert len(offered) > 40
    assert [one.doc for one in offered if not has_chinese(told_fault("zh", one.doc))] == []


def test_a_translation_has_a_place_for_every_value() -> None:
    assert len(sentences("zh")) > 100
    for text, said in KNOWN.items():
        if "%s" in text:
            slots = re.findall(r"%\[(\d)\]s", said)
            ordered = sorted(slots) == [str(number) for number in range(1, text.count("%s") + 1)]
            assert ordered if slots else said.count("%s") <= text.count("%s"), text


SCOPE = Scope(
    {"aum": DataType.NUMBER, "age": DataType.INTEGER, "stage": DataType.TEXT, "born": DataType.DATE},
    segments={"rich": "aum > 1", "bad": "nope > 1", "one": "segment('two')", "two": "segment('one')"},
    events={"login": {"device": DataType.TEXT, "amount": DataType.NUMBER}},
)
FAULTY = {
    "": "empty", "aum >= 1 and (age > 2": "bracket", "aum)": "bracket", "aun >= 1": "unknown_name",
    "fuu(1)": "unknown_function", "aum + 'x' > 1": "wrong_types", "born > 'x'": "wrong_types", "aum": "wrong_type",
    "aum in (age)": "not_in_language", "stage like age": "bad_pattern", "aum is age": "not_in_language",
    "segment('ritch')": "unknown_segment", "segment('bad')": "faulty_segment", "segment('one')": "faulty_segment",
    "segment(aum)": "wrong_arguments", "event_count('log', 3) > 1": "unknown_event",
    "event_sum('login', 'device', 3) > 1": "unknown_property", "event_count('login', 0) > 1": "wrong_value",
    "round(aum, 11) > 1": "wrong_value", "date '2024-02-31' < born": "bad_date",
    "aum > 99999999999999999999": "number_range",
    "case when aum then 1 end > 0": "wrong_type", "if(true, 1, 'a') = 1": "wrong_types", "aum >= 'a": "syntax",
    "aum == 1": None, "aum && age": None, "aum > ": "syntax", "a" * 20_001: "too_long", "aum > 1\0": "bad_character",
    "(" * 40 + "aum" + ")" * 40: "too_deep", "aum >> 3 = 1": "not_in_language",
}  # fmt: skip


@pytest.mark.parametrize(("rule", "code"), FAULTY.items(), ids=[str(at) for at in range(len(FAULTY))])
def test_a_faulty_rule_is_told_in_chinese(rule: str, code: str | None) -> None:
    faults = check_rule(rule, SCOPE, expected=DataType.BOOLEAN)
    for fault in faults:
        assert has_chinese(told_fault("zh", fault.message)), fault
        assert has_chinese(told_fault("zh", fault.hint)) or not fault.hint, fault
        assert told_fault("en", fault.message) == fault.message
    if code is not None:
        assert f"rules.{code}" in {fault.code for fault in faults}, faults


@pytest.mark.parametrize("name", ["stage", "segment", "event", "a text"])
def test_somebodys_own_name_is_not_translated_though_it_is_a_word(name: str) -> None:
    assert told_fault("zh", f"unknown segment '{name}'") == f"未知的客群“{name}”"
    assert told_fault("zh", name.replace(" ", "_")) == name.replace(" ", "_")


@given(name=st.text(min_size=1, max_size=30), other=st.sampled_from(["a text", "a number", "7", "rule by rule"]))
def test_values_stay_as_they_are(name: str, other: str) -> None:
    assert name in told_fault("zh", f"unknown name '{name}'")
    assert told_fault("zh", "rule by rule") == "rule by rule"
    assert told_fault("zh", f"{other} and a date").endswith("和日期") == (other != "rule by rule")


def test_a_sentence_may_turn_its_values_round() -> None:
    assert told_fault("zh", "the 3 people whom approval.yaml names for head") == "approval.yaml 为 head 指定的 3 人"
    assert told_fault("zh", f"3 days from {date(2026, 1, 1)} on") == "从 2026-01-01 起 3 天"


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)

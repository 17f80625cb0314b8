"""A rule and its rows say the same, whichever of them somebody changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cultiva.packs
from cultiva.contracts.types import DataType
from cultiva.definitions.document import read_document
from cultiva.definitions.entries import data_of, entry_of
from cultiva.loop.groups.changing import acted
from cultiva.loop.groups.checking import pieces
from cultiva.loop.groups.drafting import GroupForm, body_of, form_of
from cultiva.loop.groups.rows import (
    ALONE,
    COMPARED,
    Group,
    Item,
    Member,
    Row,
    Written,
    fields_of,
    read_fields,
    rows_of,
    text_of,
)
from cultiva.rules import RuleErrors, Scope, check_rule, compile_rule

SCOPE = Scope(
    {"age": DataType.INTEGER, "aum": DataType.MONEY, "stage": DataType.TEXT, "open_complaint": DataType.BOOLEAN,
     "last_login": DataType.DATE, "share": DataType.NUMBER},
    segments={"payroll": "age >= 18", "odd'one": "stage = 'x'"},
)  # fmt: skip
PACK = next(Path(folder) for folder in cultiva.packs.__path__) / "retail_bank"

TODAY = date(1994, 5, 25)
PEOPLE = [
    {"age": age, "aum": aum, "stage": stage, "open_complaint": complaint, "last_login": TODAY, "share": 0.5}
    for age in (None, 5, -3)
    for aum in (None, 0.0, 700.0)
    for stage in (None, "", "ab")
    for complaint in (None, True, False)
]

numbers = st.integers(-10_000, 10_000).map(str)
texts = st.text("ab',é中 -()", max_size=8).map(lambda one: "'" + one.replace("'", "''") + "'")
rows = st.one_of(
    st.builds(Row, st.sampled_from(["age", "aum"]), st.sampled_from(COMPARED), st.tuples(numbers)),
    st.builds(Row, st.just("stage"), st.sampled_from(["=", "<>"]), st.tuples(texts)),
    st.builds(
        Row, st.just("stage"), st.sampled_from(["in", "not in"]), st.lists(texts, min_size=1, max_size=3).map(tuple)
    ),
    st.builds(Row, st.just("age"), st.just("between"), st.tuples(numbers, numbers)),
    st.builds(Row, st.sampled_from(["age", "stage"]), st.sampled_from(ALONE[:2])),
    st.builds(Row, st.just("open_complaint"), st.sampled_from(ALONE[2:])),
    st.builds(Member, st.sampled_from(["payroll", "odd'one"]), st.booleans()),
    st.just(Written("age + 1 > 5")),
)  # fmt: skip
items = st.recursive(
    rows,
    lambda inner: st.builds(
        Group, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans()
    ),
    max_leaves=8,
)
groups = st.builds(Group, st.sampled_from(["and", "or"]), st.lists(items, min_size=1, max_size=4).map(tuple))


@settings(max_examples=80, deadline=None)
@given(group=groups)
def test_rows_written_as_a_rule_and_read_again_mean_the_same(group: Group) -> None:
    text = text_of(group)
    again = rows_of(text, SCOPE)
    first, second = (
        compile_rule(one, SCOPE, expected=DataType.BOOLEAN).closure(TODAY) for one in (text, text_of(again))
    )
    assert [first(one) for one in PEOPLE] == [second(one) for one in PEOPLE]
    assert text_of(read_fields(fields_of(again), SCOPE.names)) == text_of(again)
    assert text_of(rows_of(text_of(again), SCOPE)) == text_of(again)


def test_every_rule_of_the_pack_is_shown_in_rows_that_give_the_same_tree_back() -> None:
    from cultiva.definitions.loading import load_workspace
    from cultiva.definitions.scopes import profile_scope

    workspace = load_workspace(PACK)
    scope, seen = profile_scope(workspace), 0
    for one in workspace.segments.values():
        if one.rule is None:
            continue
        seen += 1
        group = rows_of(one.rule, scope)
        assert compile_rule(text_of(group), scope).node == compile_rule(one.rule, scope).node, one.name
        assert read_fields(fields_of(group), scope.names) == group, one.name
    assert seen > 10


@pytest.mark.parametrize(
    ("rule", "items"),
    [
        ("18 <= age", (Row("age", ">=", ("18",)),)),
        ("not (age is null)", (Row("age", "is known"),)),
        ("not segment('payroll')", (Member("payroll", inside=False),)),
        ("not open_complaint", (Row("open_complaint", "is not true"),)),
        ("aum >= 50000", (Row("aum", ">=", ("50000",)),)),
        ("age % 2 = 0", (Written("(age % 2) = 0"),)),
        ("age > 1 and (age > 2 and age > 3)", tuple(Row("age", ">", (str(n),)) for n in (1, 2, 3))),
    ],
)
def test_a_rule_in_rows(rule: str, items: tuple[Item, ...]) -> None:
    assert rows_of(rule, SCOPE).items == items


def test_a_rule_with_faults_has_no_rows() -> None:
    with pytest.raises(RuleErrors):
        rows_of("aeg > 3", SCOPE)


def test_rows_that_are_not_filled_in_yet_say_nothing() -> None:
    group = Group("and", (Row("age", ">="), Row("age", "<", ("5",)), Member(""), Group("or")))
    assert text_of(group) == "age < 5"


def test_buttons_add_and_take_away_and_pass_over_what_they_do_not_know() -> None:
    fields = fields_of(rows_of("age > 3 and (aum > 1 or share > 2)", SCOPE))
    added = acted(fields, "row:0.1", tag="age", segment="payroll")
    assert added["n.0.1.2.tag"] == "age"
    gone = acted(added, "remove:0.1", tag="age", segment="payroll")
    assert text_of(read_fields(gone, SCOPE.names)) == "age > 3"
    for act in ("remove:0", "row:0.0", "row:9", "drop:0", "", "row:0.1.1", "row:../0"):
        assert acted(fields, act, tag="age", segment="payroll") == fields
    member = acted(gone, "member:0", tag="age", segment="payroll")
    assert text_of(read_fields(member, SCOPE.names)) == "age > 3 and segment('payroll')"


def test_a_form_cannot_nest_without_end_or_name_what_is_not_there() -> None:
    fields = {f"n.{'.'.join(['0'] * depth)}.kind": "group" for depth in range(1, 40)}
    assert text_of(read_fields(fields, SCOPE.names)) == ""
    assert read_fields({"n.0.kind": "group", "n.0.0.kind": "row", "n.0.0.tag": "secret"}, SCOPE.names).items == ()


@settings(max_examples=60, deadline=None)
@given(text=st.text("aegstx() <>='\n1中", max_size=40))
def test_a_text_cut_at_its_faults_is_still_the_whole_text(text: str) -> None:
    faults = check_rule(text, SCOPE, expected=DataType.BOOLEAN)
    cut = pieces(text, faults)
    assert "".join(one.text for one in cut) == text
    assert bool([one for one in cut if one.fault]) == bool(faults and text.strip())


words = st.text("ab: #'中,{}\"-", min_size=1, max_size=12).map(str.strip).filter(bool)
rules = st.lists(words, min_size=1, max_size=3).map("\n".join)


@settings(max_examples=60, deadline=None)
@given(zh=words, en=words, about=st.tuples(words, st.just("") | words), owner=words, rule=rules)
def test_whatever_a_form_says_its_definition_says_too(
    zh: str, en: str, about: tuple[str, str], owner: str, rule: str
) -> None:
    form = GroupForm("silver", zh, en, *about, owner, "needs", rule)
    body = body_of(form)
    found = data_of(body, "silver")
    assert (found["label"], found["rule"]) == ({"zh": zh, "en": en}, rule)
    said, other = (" ".join(text.split()) for text in about)
    both = (said, "" if other == said else other)
    assert form_of(body, "silver") == GroupForm("silver", zh, en, *both, owner, "needs", rule)
    assert body_of(form_of(body, "silver"), body) == body


def test_only_the_lines_of_what_changed_are_written_anew() -> None:
    text = (PACK / "segments" / "needs.yaml").read_text(encoding="utf-8")
    document, _ = read_document("", text.encode())
    assert document is not None
    for entry in document.data:
        base = entry_of(text, entry["name"])
        form = form_of(base, entry["name"])
        assert body_of(form, base) == base
        owner = base.replace(f"owner: {entry['owner']}\n", "owner: somebody\n")
        assert owner != base
        changed = GroupForm(**{**vars(form), "owner": "somebody"})
        assert body_of(changed, base) == owner

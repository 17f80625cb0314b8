"""One definition changed in its file: nothing else of the file changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cultiva.packs
from cultiva.definitions.document import read_document
from cultiva.definitions.entries import data_of, entry_of, with_entry
from cultiva.definitions.files import workspace_files
from cultiva.kit.errors import CultivaError

PACK = next(Path(folder) for folder in cultiva.packs.__path__) / "retail_bank"
FILE = """\
# head
- name: first
  rule: >-
    age >= 60
    and stage = 'mature'
  # inside the first

# before the second
- name: second
  rule: |
    # no comment: it belongs to the text
    age < 18
"""


def test_an_entry_is_taken_out_and_put_back_letter_by_letter_in_the_pack() -> None:
    seen = 0
    for kind, path in workspace_files(PACK):
        text = path.read_text(encoding="utf-8")
        for entry in read_document("", text.encode())[0].data or () if kind.kind in ("segment", "strategy") else ():  # type: ignore[union-attr]
            body = entry_of(text, entry["name"])
            assert data_of(body, entry["name"]) == entry
            assert with_entry(text, entry["name"], body) == text
            seen += 1
    assert seen > 20


def test_only_the_entry_changes() -> None:
    made = with_entry(FILE, "first", "name: first\nrule: age >= 65\n")
    assert made == FILE.replace(">-\n    age >= 60\n    and stage = 'mature'\n  # inside the first\n", "age >= 65\n")


def test_a_new_entry_stands_at_the_end_also_of_a_file_that_is_not_there() -> None:
    body = "name: third\nrule: |-\n  a\n\n  b\n"
    assert with_entry(FILE, "third", body) == FILE + "- name: third\n  rule: |-\n    a\n\n    b\n"
    assert with_entry("", "third", body) == "- name: third\n  rule: |-\n    a\n\n    b\n"


def test_what_is_not_there_has_no_text() -> None:
    assert entry_of(FILE, "third") == entry_of("", "third") == ""


@pytest.mark.parametrize(
    "body", ["name: other\n", "- name: first\n", "just a text", "", "name: first\nname: first\n", "name: [first\n"]
)
def test_a_body_that_is_not_that_definition_is_refused(body: str) -> None:
    with pytest.raises(CultivaError):
        with_entry(FILE, "first", body)


@pytest.mark.parametrize("file", ["[{name: first, rule: a}]\n", "name: first\n", "-\n  name: first\n"])
def test_a_file_of_another_form_is_left_alone(file: str) -> None:
    with pytest.raises(CultivaError) as refused:
        with_entry(file, "first", "name: first\nrule: b\n")
    assert refused.value.code == "definitions.bound_entry"


def test_an_anchor_that_others_use_is_not_changed() -> None:
    file = "- name: first\n  rule: &one age > 3\n- name: second\n  rule: *one\n"
    with pytest.raises(CultivaError):
        with_entry(file, "first", "name: first\nrule: age > 4\n")


RULES = st.text("ab'\"#:- \n><=é中", min_size=1, max_size=40)


@given(before=RULES, after=RULES, other=RULES, margin=st.sampled_from(["", "  "]))
def test_whatever_a_rule_says_it_arrives_and_the_others_stay(before: str, after: str, other: str, margin: str) -> None:
    import json

    file = "".join(
        f"{margin}- name: {name}\n{margin}  rule: {json.dumps(rule)}\n\n"
        for name, rule in (("one", before), ("two", other))
    )
    body = f"name: one\nrule: {json.dumps(after)}\n"
    made = read_document("", with_entry(file, "one", body).encode())[0]
    assert made is not None
    assert made.data == [{"name": "one", "rule": after}, {"name": "two", "rule": other}]
    assert entry_of(with_entry(file, "one", body), "one") == body

"""YAML as data with places, whatever the notation, and whatever is wrong with it."""

from __future__ import annotations

import pytest

from cultiva.definitions.document import read_document
from cultiva.definitions.toml import read_toml

NOTATIONS = {
    "plain": "a: foo and bar\n",
    "plain over two lines": "a: foo\n  and bar\n",
    "single quotes": "a: 'it''s foo and bar'\n",
    "double quotes": 'a: "q \\"foo\\" and bar"\n',
    "literal block": "a: |\n  foo and\n    bar\n",
    "folded block": "a: >-\n  foo\n\n  and\n  bar\n",
    "block with a header": "a: |2-\n    foo\n  bar\n",
    "Chinese before it": "标签: 一\na: 客户 foo and bar\n",
    "carriage returns": "a: |\r\n  foo\r\n  bar\r\n",
}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("word", ["foo", "bar"])
def test_a_place_within_a_text_is_found_in_the_file(notation: str, word: str) -> None:
    text = NOTATIONS[notation]
    document, faults = read_document("f.yaml", text.encode())
    assert document is not None and not faults
    value = document.value(("a",))
    before = value[: value.index(word)]
    line, column = document.text_place(("a",), before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert text.replace("\r\n", "\n").split("\n")[line - 1][column - 1 :].startswith(word)


BROKEN = {
    "a colon too many": (b"a: 1\nb: c: d\n", "syntax", 2, 5),
    "an open bracket": (b"a: [1,\n", "syntax", 2, 1),
    "a tab": (b"a:\n\t- b\n", "syntax", 2, 1),
    "two documents": (b"a: 1\n---\nb: 2\n", "syntax", 2, 1),
    "a control character": (b"a: 1\nb: \x01\n", "syntax", 2, 0),
    "another encoding": ("a: 1\nb: 客户\n".encode("gb18030"), "encoding", 2, 0),
    "a bomb of brackets": (b"[" * 600, "syntax", 1, 1),
    "a key given twice": (b"a: 1\nb: 2\na: 3\n", "duplicate_key", 3, 1),
    "a key that is a list": (b"{? [a] : b}", "key", 1, 4),
    "a tag of its own": (b"a: !python/name:os.system x\n", "yaml_tag", 1, 4),
    "an alias of itself": (b"a: &x [*x]\n", "alias", 1, 4),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_yaml_is_a_fault_with_a_place(name: str) -> None:
    content, code, line, column = BROKEN[name]
    _, faults = read_document("f.yaml", content)
    assert [(fault.code, fault.line, fault.column) for fault in faults] == [(f"definitions.{code}", line, column)]


def test_aliases_that_multiply_end_in_a_fault() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    _, faults = read_document("f.yaml", "\n".join(lines).encode())
    assert [fault.code for fault in faults] == ["definitions.alias"]


def test_scalars_have_the_types_of_yaml_1_2() -> None:
    document, _ = read_document("f.yaml", b"[1, 1_000, 0x1f, 1.5, 1e3, true, yes, ~, 21:00, 1994-03-30, '1']")
    assert document is not None
    assert document.data == [1, 1000, 31, 1.5, 1000.0, True, "yes", None, "21:00", "1994-03-30", "1"]


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [(b'name = "a"\nname = "b"\n', 2, 11), (b"name = \n", 1, 8), (b'[a\nb = "c"\n', 1, 3)],
)
def test_broken_toml_is_a_fault_with_a_place(content: bytes, line: int, column: int) -> None:
    document, faults = read_toml("cultiva.toml", content)
    assert document is None
    assert [(fault.code, fault.line, fault.column) for fault in faults] == [("definitions.syntax", line, column)]

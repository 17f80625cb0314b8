"""Two readers of YAML, one meaning: whatever the fast one takes, the thorough one reads alike."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.definitions import nodes
from cultiva.definitions.document import Document, read_document

PIECES = (
    "a", "b: ", "- ", "\n", "\n  ", "\n    ", "'", '"', "[", "]", "{", "}", ", ", ": ", ":", "#", " # ", "|", "|-\n  ",
    ">\n  ", "? ", "&x ", "*x", "!!str ", "! ", "1", "0x1f", "1_0", "true", "~", "<<: ", "=", "1.5", "1e3", "-.inf",
    ".nan", "0b1", "0o7", "09", "1994-03-30", "\t", "客", "\\n", "@", "`", "%", "---\n", "\n\n", "\u2028", "\x85",
)  # fmt: skip


def thorough(content: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Document | None, list[str]]:
    with monkeypatch.context() as patched:
        patched.setattr(nodes, "_fast_reader", lambda: None)
        return told(content)


def told(content: bytes) -> tuple[Document | None, list[str]]:
    document, faults = read_document("f.yaml", content)
    return document, [str(fault) for fault in faults]


def places(document: Document | None) -> object:
    """Where things lie; a value that is not there lies anywhere after its key."""
    assert document is not None
    return {loc: spot for loc, spot in document.spots.items() if spot.start < spot.end}


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=14))
@settings(max_examples=500, deadline=None)
def test_both_readers_say_the_same(pieces: list[str]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        content = "".join(pieces).encode()
        fast, faults = told(content)
        slow, expected = thorough(content, monkeypatch)
    assert faults == expected
    assert (fast is None) == (slow is None)
    if fast is not None and slow is not None:
        assert repr(fast.data) == repr(slow.data)
        assert places(fast) == places(slow)


def test_the_starter_pack_is_read_alike_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sorted(Path(str(files("cultiva").joinpath("packs"))).rglob("*.yaml"))
    assert found
    for path in found:
        assert told(path.read_bytes()) == thorough(path.read_bytes(), monkeypatch)


def test_the_fast_reader_is_there_and_takes_the_starter_pack() -> None:
    assert nodes._fast_reader() is not None
    for path in Path(str(files("cultiva").joinpath("packs"))).rglob("*.yaml"):
        assert not nodes._may_differ(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    ("text", "differs"),
    [
        ("a: |\n  Do you? Yes!\nb: 1", False),
        ("- a: |-\n    Do you? Yes\n  b: 1", False),
        ("- a: |-\n    Do you? Yes\n  ? b", True),
        ("- |\n  Do you? Yes\n", False),
        ("- - |\n    Do you? Yes\n  - ? c", True),
        ("a: >\n\n  Do you? Yes\n? b\n: c", True),
        ("a: '|'\n? b", True),
        ("a: {b: |\n  ? c}", True),
    ],
)
def test_signs_within_a_block_of_text_are_plain_characters(text: str, differs: bool) -> None:
    assert nodes._may_differ(text) is differs


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_without_end_is_a_fault_and_not_the_end_of_the_process(opening: str) -> None:
    document, faults = read_document("f.yaml", (opening * 100_000).encode())
    assert document is None
    assert [fault.code for fault in faults] == ["definitions.syntax"]

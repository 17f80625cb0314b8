"""Whatever stands in the files: faults with places, never an exception of some library."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.definitions.conftest import FILES

from cultiva.definitions.loading import check_workspace

PIECES = ["", " ", "  ", "\t", "\n", "- ", ": ", "{", "}", "[", "]", "'", '"', "|", ">-", "&a ", "*a", "!x ", "~",
          "null", "true", "0x", "1e999", ".nan", "-1", "资产", "\u0000", "\ud7ff", "${x}", "${", "name", "rule", "aum",
          "segment('", "case when", "1" * 400, "#", "---\n", "select", "from", "<<", "today", "stage", "%",
          "\\"]  # fmt: skip
FILE = st.sampled_from(sorted(FILES))
EDIT = st.tuples(FILE, st.integers(0, 2000), st.integers(0, 30), st.sampled_from(PIECES))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("garbage")


@settings(max_examples=60, deadline=None)
@given(st.lists(EDIT, min_size=1, max_size=4))
def test_broken_files_end_in_faults_with_places(root: Path, edits: list[tuple[str, int, int, str]]) -> None:
    texts = dict(FILES)
    for file, start, length, piece in edits:
        text = texts[file]
        at = start % (len(text) + 1)
        texts[file] = text[:at] + piece + text[at + length :]
    for file, text in texts.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")
    workspace, faults = check_workspace(root)
    assert (workspace is None) == any(not fault.warning for fault in faults)
    for fault in faults:
        name = Path(fault.file).relative_to(root).as_posix()
        assert fault.line <= texts[name].count("\n") + 1
        assert fault.message and fault.code

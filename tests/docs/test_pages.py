"""Every console session in the README and the guides prints what the page says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.docs.console import exchanges, matches, run
from tests.servers.warm import SCREEN, Warm

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CULTIVA_DATA", ROOT.parent / "shared" / "data"))
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
SESSIONS = [page for page in PAGES if any(exchanges(page.read_text()))]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.data] if "berka" in page.name else []) for page in SESSIONS],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_a_page_prints_what_it_says(page: Path, tmp_path: Path, warm: Warm) -> None:
    text = page.read_text()
    if "shared/data" in text and not DATA.exists():
        pytest.skip(f"the public data sets are not at {DATA}")
    work = tmp_path / "project"
    work.mkdir()
    _lay_out(work)
    environment = {
        **os.environ,
        "PATH": f"{warm.path}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        **SCREEN,
    }
    for exchange in exchanges(text):
        printed = run(exchange, work, environment)
        assert matches(exchange.expected, printed), (
            f"{page.name}:{exchange.line}: $ {exchange.command}\n--- printed\n{printed}"
            f"--- the page says\n{exchange.expected}"
        )


def _lay_out(work: Path) -> None:
    """The folder a reader would stand in: the project, with the test data beside it."""
    import shutil

    shutil.copytree(ROOT / "examples", work / "examples", ignore=shutil.ignore_patterns(".cultiva", "lists", "reports"))
    (work / ".venv").symlink_to(ROOT / ".venv")
    if DATA.exists():
        (work.parent / "shared").mkdir()
        (work.parent / "shared" / "data").symlink_to(DATA)


def test_a_page_is_refused_when_it_says_something_else() -> None:
    assert matches("a ... b\n", "a 12 b\n")
    assert not matches("a ... b\n", "a 12 c\n")

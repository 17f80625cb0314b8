from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.banks import copy_of
from tests.console.campaigns.test_campaigns import strategy_of
from tests.console.desks import ConsoleUnderTest, console_of

from cultiva.execution.launching.launches import Person
from cultiva.loop.campaigns import submit


@pytest.fixture(scope="session")
def launched_bank(console_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank in which chen has put the largest strategy forward; nobody writes into it."""
    root = copy_of(console_bank, tmp_path_factory.mktemp("launched") / "bank")
    with console_of(root) as console:
        parts = console.parts
        submit(parts, strategy_of(console), parts.newest_date(), enrols="once", author=Person("chen"))
    return root


@pytest.fixture
def launched(launched_bank: Path, tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """The console over a copy of one test's own."""
    with console_of(copy_of(launched_bank, tmp_path / "bank")) as found:
        yield found

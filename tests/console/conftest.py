from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.banks import copy_of
from tests.console.desks import ConsoleUnderTest, console_of
from tests.servers.banks import first_night
from tests.servers.once import Once


@pytest.fixture(scope="session")
def console_bank(tmp_path_factory: pytest.TempPathFactory, once: Once) -> Path:
    """A small bank after one run; nobody writes into it."""
    root = tmp_path_factory.mktemp("console") / "bank"
    first_night(once, root)
    return root


@pytest.fixture(scope="module")
def console(console_bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    """The console over a copy that the tests of a module share."""
    with console_of(copy_of(console_bank, tmp_path_factory.mktemp("module") / "bank")) as found:
        yield found


@pytest.fixture
def own_console(console_bank: Path, tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """The console over a copy of one test's own, for those who change what others would see."""
    with console_of(copy_of(console_bank, tmp_path / "bank")) as found:
        yield found

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.commands import Printed, done
from tests.servers.banks import first_night
from tests.servers.once import Once


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bank that was never run."""
    root = tmp_path_factory.mktemp("cli") / "fresh"
    done("init", root, "--customers", 300)
    return root


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, once: Once) -> tuple[Path, Printed]:
    """A small bank, and what its first run printed as JSON."""
    root = tmp_path_factory.mktemp("cli") / "mybank"
    return root, first_night(once, root)


@pytest.fixture(scope="session")
def bank(first_run: tuple[Path, Printed]) -> Path:
    """A small bank after one run; no test changes it."""
    return first_run[0]

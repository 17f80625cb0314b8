from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.commands import Printed, done

DATE = "1994-03-30"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bank that was never run."""
    root = tmp_path_factory.mktemp("cli") / "fresh"
    done("init", root, "--customers", 300)
    return root


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Printed]:
    """A small bank, and what its first run printed as JSON."""
    root = tmp_path_factory.mktemp("cli") / "mybank"
    done("init", root, "--pack", "retail-bank", "--customers", 300)
    return root, done("run", root, "--date", DATE, "--json")


@pytest.fixture(scope="session")
def bank(first_run: tuple[Path, Printed]) -> Path:
    """A small bank after one run; no test changes it."""
    return first_run[0]

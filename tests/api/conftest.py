from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.banks import Api, api_of, copy_of
from tests.servers.banks import first_night
from tests.servers.once import Once
from tests.servers.stores import store_url

__all__ = ["store_url"]


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory, once: Once) -> Path:
    """A small bank after one run."""
    root = tmp_path_factory.mktemp("api") / "bank"
    first_night(once, root)
    return root


@pytest.fixture(scope="module")
def api(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API over a copy of it, on SQLite."""
    with api_of(copy_of(bank, tmp_path_factory.mktemp("shared") / "bank")) as found:
        yield found


@pytest.fixture
def racing_api(bank: Path, tmp_path: Path, store_url: str) -> Iterator[Api]:
    """The API over a copy of it, on each store."""
    postgres = "" if store_url.startswith("sqlite") else store_url
    with api_of(copy_of(bank, tmp_path / "bank"), postgres) as found:
        yield found

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cultiva.store import Store, open_store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return "sqlite:///.cultiva/store.db"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """What differs between stores is tested in tests/store; the runner's own logic needs one."""
    opened = open_store("sqlite:///.cultiva/store.db", tmp_path)
    yield opened
    opened.close()

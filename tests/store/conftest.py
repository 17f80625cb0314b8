"""Every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.days import AT, DAY

from cultiva.kit.processes import this_process
from cultiva.store import Lease, Store, lease_name, open_store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty store."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return "sqlite:///.cultiva/store.db"


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(store_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def lease(store: Store) -> Lease:
    """The right to run DAY."""
    return store.leases.acquire(lease_name(DAY), this_process(), at=AT)

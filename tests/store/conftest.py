"""Every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from tests.servers.stores import SQLITE, store
from tests.store.days import AT, DAY

from cultiva.kit.processes import this_process
from cultiva.store import Lease, Store, lease_name

__all__ = ["store", "store_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a database without tables."""
    return str(request.getfixturevalue("postgres_url")) if request.param == "postgres" else SQLITE


@pytest.fixture
def lease(store: Store) -> Lease:
    """The right to run DAY."""
    return store.leases.acquire(lease_name(DAY), this_process(), at=AT)

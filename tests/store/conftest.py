"""Every test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from tests.servers.stores import store, store_url
from tests.store.days import AT, DAY

from cultiva.kit.processes import this_process
from cultiva.store import Lease, Store, lease_name

__all__ = ["store", "store_url"]


@pytest.fixture
def lease(store: Store) -> Lease:
    """The right to run DAY."""
    return store.leases.acquire(lease_name(DAY), this_process(), at=AT)

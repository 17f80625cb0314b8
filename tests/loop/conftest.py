from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.once import Once
from tests.servers.stores import SQLITE, put_store, store_url

from cultiva.store import Store, open_store

__all__ = ["store_url"]


@pytest.fixture
def store(tmp_path: Path, once: Once) -> Iterator[Store]:
    """What differs between stores is tested in tests/store; the runner's own logic needs one."""
    put_store(once, tmp_path)
    opened = open_store(SQLITE, tmp_path)
    yield opened
    opened.close()

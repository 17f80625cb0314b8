"""A store on SQLite and on PostgreSQL: whoever asks for `store_url` or `store` runs on both.

Its tables are made once in a test session and copied, because all migrations for each of two thousand tests take
minutes. What the migrations do is tested in tests/store, on databases without tables.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.once import Once
from tests.servers.postgres import fresh_database, name_of

from cultiva.store import Store, open_store

SQLITE = "sqlite:///.cultiva/store.db"
PLACE = Path(".cultiva") / "store.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store; on SQLite it lies in the test's folder."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_store_url"))
    put_store(request.getfixturevalue("once"), tmp_path)
    return SQLITE


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(store_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def postgres_store_url(postgres_server: str, postgres_tables: str) -> Iterator[str]:
    """The address of a database with the store's tables, dropped after the test."""
    with fresh_database(postgres_server, like=postgres_tables) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the store's tables and nothing in them."""
    with fresh_database(postgres_server) as url:
        open_store(url, tmp_path_factory.mktemp("tables")).close()
        yield name_of(url)


def put_store(once: Once, root: Path) -> None:
    """Puts an empty store on SQLite into a workspace, if it has none."""
    if not (root / PLACE).exists():
        made = once.made("store", lambda folder: open_store(SQLITE, folder).close())
        (root / PLACE).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made / PLACE, root / PLACE)

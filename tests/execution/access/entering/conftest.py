"""One store per kind and module, without users at the start of every test: a database of its own each would be slow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import delete
from tests.servers.postgres import fresh_database

from cultiva.execution.access.entering import tables
from cultiva.store import Store, open_store

EMPTIED = (
    tables.CONSOLE_USER,
    tables.CONSOLE_IDENTITY,
    tables.CONSOLE_RECOVERY,
    tables.CONSOLE_SESSION,
    tables.CONSOLE_FAILURE,
    tables.CONSOLE_FLOW,
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for all tests of a module."""
    with ExitStack() as stack:
        url = "sqlite:///.cultiva/store.db"
        if request.param == "postgres":
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
        opened = open_store(url, tmp_path_factory.mktemp("doors"))
        yield opened
        opened.close()


@pytest.fixture
def store(shared_store: Store) -> Store:
    """The store without users, sessions and failures; the audit keeps what it has."""
    with shared_store.database.writing() as connection:
        for table in EMPTIED:
            connection.execute(delete(table))
    return shared_store

"""Brings the tables of a database up to date, once, however many processes ask at the same time."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

HEAD = "0012"
"""The newest revision in `migrations/versions`; a test holds them equal. Spares every start the reading of them."""
_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x63756C74
"""Number of the PostgreSQL lock under which tables are changed."""


def bring_up(database: Database) -> None:
    """Runs the migrations that the database has not seen, all in one transaction.

    Raises:
        CultivaError: if a newer Cultiva has written the database.
    """
    with database.reading() as connection:
        if revision_of(connection) == HEAD:
            return
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        if revision_of(connection) != HEAD:
            _upgrade(connection, database)


def revision_of(connection: Connection) -> str | None:
    """The revision of the tables; None if there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("select version_num from alembic_version"))


def _upgrade(connection: Connection, database: Database) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = revision_of(connection)
    if found is not None and found not in known:
        raise CultivaError(
            "the store was written by a newer Cultiva",
            code="store.too_new",
            kind=ErrorKind.CONFLICT,
            seen=f"revision {found} in {database.shown}",
            allowed=f"up to revision {HEAD}",
            hint="install the newer Cultiva, or open another store",
        )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config, "head")

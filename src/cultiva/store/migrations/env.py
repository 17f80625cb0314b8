"""How Alembic reaches the database: on the connection that Cultiva hands over, or on the URL given by `-x url=...`.

To write a new revision: `.venv/bin/alembic -x url=sqlite:////tmp/new.db upgrade head`, change `store/tables.py`, then
`.venv/bin/alembic -x url=sqlite:////tmp/new.db revision --autogenerate --rev-id 0002 -m "what changes"`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from cultiva.store.database import Database
from cultiva.store.tables import METADATA


def run(connection: Connection) -> None:
    """Runs the migrations in the transaction that is open, which whoever opened it commits."""
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        render_item=plain_type,
    )
    context.run_migrations()


def plain_type(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    """Writes our column types as what the database sees, so that a migration never depends on today's code."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(context.get_x_argument(as_dictionary=True)["url"], Path()).writing() as opened:
        run(opened)

"""The registry: every version of every definition that a run has used, so that a run can be repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database, insert_missing
from cultiva.store.records import DefinitionRecord, WorkspaceVersion
from cultiva.store.tables import DEFINITION, WORKSPACE_DEFINITION, WORKSPACE_VERSION


class Registry:
    """Versions of definitions and of the workspace.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, version: str, definitions: Iterable[DefinitionRecord], *, at: datetime) -> None:
        """Keeps a workspace version with its definitions; what is known already stays as it is.

        Args:
            version: Content hash of all definitions together.
            definitions: All of them.
            at: The present instant.
        """
        rows = [
            {"kind": one.kind, "name": one.name, "content_hash": one.content_hash, "body": one.body, "first_seen": at}
            for one in definitions
        ]
        members = [{"version": version, **{key: row[key] for key in ("kind", "name", "content_hash")}} for row in rows]
        with self._database.writing() as connection:
            insert_missing(connection, DEFINITION, rows)
            insert_missing(connection, WORKSPACE_VERSION, [{"version": version, "first_seen": at}])
            insert_missing(connection, WORKSPACE_DEFINITION, members)

    def newest(self) -> str:
        """The version that was first seen last; empty: none."""
        query = select(WORKSPACE_VERSION.c.version).order_by(WORKSPACE_VERSION.c.first_seen.desc()).limit(1)
        with self._database.reading() as connection:
            found: str | None = connection.scalar(query)
        return found or ""

    def workspace(self, version: str) -> WorkspaceVersion:
        """The hashes that a workspace version holds.

        Raises:
            CultivaError: if it was never recorded.
        """
        members = select(WORKSPACE_DEFINITION).where(WORKSPACE_DEFINITION.c.version == version)
        seen = select(WORKSPACE_VERSION.c.first_seen).where(WORKSPACE_VERSION.c.version == version)
        with self._database.reading() as connection:
            first_seen = connection.scalar(seen)
            rows = connection.execute(members.order_by("kind", "name")).all()
        if first_seen is None:
            raise _unknown("workspace version", version)
        held = {(row.kind, row.name): row.content_hash for row in rows}
        return WorkspaceVersion(version=version, first_seen=first_seen, definitions=held)

    def definition(self, kind: str, name: str, content_hash: str) -> DefinitionRecord:
        """One version of one definition.

        Raises:
            CultivaError: if it was never recorded.
        """
        query = select(DEFINITION).where(DEFINITION.c.kind == kind, DEFINITION.c.name == name)
        with self._database.reading() as connection:
            row = connection.execute(query.where(DEFINITION.c.content_hash == content_hash)).one_or_none()
        if row is None:
            raise _unknown(kind, f"{name} {content_hash}")
        return _definition(row)

    def versions(self, kind: str, name: str) -> Sequence[DefinitionRecord]:
        """Every version of one definition, the oldest first."""
        query = select(DEFINITION).where(DEFINITION.c.kind == kind, DEFINITION.c.name == name)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(DEFINITION.c.first_seen, DEFINITION.c.content_hash)).all()
        return tuple(_definition(row) for row in rows)


def _definition(row: Row[Any]) -> DefinitionRecord:
    return DefinitionRecord(
        kind=row.kind, name=row.name, content_hash=row.content_hash, body=row.body, first_seen=row.first_seen
    )


def _unknown(what: str, seen: str) -> CultivaError:
    return CultivaError(
        f"no such {what} on record",
        code="store.unknown_definition",
        kind=ErrorKind.NOT_FOUND,
        seen=seen,
        allowed="a version that a run has used",
        hint="cultiva show WORKSPACE runs",
    )

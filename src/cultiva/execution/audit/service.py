"""The audit: who did what, written in the transaction that does it, and proof that nobody has changed it since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cultiva.execution.audit import repository
from cultiva.execution.audit.chain import Anchor, Entry, Line, Sought, Verified, verified
from cultiva.kit.errors import CultivaError
from cultiva.store.database import Database

TEXT_MOST = {"actor": 100, "action": 63, "subject": 200}
"""Most characters."""


def write(connection: Connection, entry: Entry) -> Line:
    """Adds a line in the transaction of what it tells of: either both are there, or neither.

    Write it last: whoever comes next waits until the transaction ends.

    Args:
        connection: Of a writing transaction.
        entry: What was done.

    Raises:
        CultivaError: if nobody is named, or a text is too long.
    """
    for name, most in TEXT_MOST.items():
        said: str = getattr(entry, name)
        if not said.strip() or len(said) > most:
            raise CultivaError(
                f"the audit needs to know the {name}",
                code=f"audit.bad_{name}",
                seen=said[:most] or "no text",
                allowed=f"1 to {most} characters",
                hint="name a person with --by",
            )
    return repository.append(connection, entry)


class Audit:
    """The record of who did what.

    Args:
        database: Where the lines lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, entry: Entry) -> Line:
        """Adds a line of something that changes nothing in the store, in a transaction of its own."""
        with self._database.writing() as connection:
            return write(connection, entry)

    def lines(
        self,
        *,
        subject: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        last: int = 50,
    ) -> Sequence[Line]:
        """The last lines, the oldest first.

        Args:
            subject: `<kind>:<id>`, or `<kind>:` for all of a kind; None: all.
            actor: Who; None: anybody.
            action: An action, or `<kind>.` for all of a kind; None: all.
            since: The first instant; None: from the beginning.
            until: The first instant that is too late; None: up to now.
            last: Most lines.
        """
        sought = Sought(subject, actor, action, since, until)
        with self._database.reading() as connection:
            return tuple(repository.newest(connection, sought, last=last))

    def verify(self, anchor: Anchor | None = None) -> Verified:
        """Follows the whole chain and names the first line that does not hold.

        Args:
            anchor: What a line was known to be; finds a chain that was sealed anew or cut off.
        """
        with self._database.reading() as connection:
            return verified(repository.every_line(connection), anchor)

    def last_details(self, kind: str, member: str) -> dict[str, Any]:
        """What the newest line about each subject of a kind says under a member of its details.

        Args:
            kind: Of subjects, e.g. launch.
            member: Of the details, e.g. state.
        """
        with self._database.reading() as connection:
            return repository.last_details(connection, kind, member)


def anchor_of(text: str) -> Anchor:
    """An anchor as people write it down.

    Raises:
        CultivaError: if it is not `NUMBER:HASH`.

    Examples:
        >>> anchor_of("7:" + "ab" * 32).number
        7
    """
    number, _, digest = text.strip().partition(":")
    if not number.isdecimal() or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise CultivaError(
            "not an anchor of the audit",
            code="audit.bad_anchor",
            seen=text,
            allowed="NUMBER:HASH, the hash with 64 hexadecimal digits",
            hint="cultiva audit WORKSPACE --verify prints one; write it down elsewhere",
        )
    return Anchor(int(number), digest)


def last_of(connection: Connection, subject: str, action: str) -> Entry | None:
    """The last time that something was done to a subject, as the caller's transaction sees it."""
    return repository.last_of(connection, subject, action)

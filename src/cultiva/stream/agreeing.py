"""The number of partitions is agreed on once: with another one, a customer's records would lie in two places."""

from __future__ import annotations

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.stream.files import LiveFile


def agree(file: LiveFile, partitions: int) -> None:
    """Notes the number of partitions in a new file, and compares it with that of an old one.

    Raises:
        CultivaError: if it is another one.
    """
    with file.writing() as connection:
        connection.execute("insert or ignore into agreed values ('partitions', ?)", (str(partitions),))
        found = connection.execute("select value from agreed where name = 'partitions'").fetchone()
    refuse_other(int(found[0]), partitions, where=str(file.path))


def refuse_other(there: int, asked: int, *, where: str) -> None:
    """Raises:
    CultivaError: if a store was made with another number of partitions than is asked for.
    """
    if there != asked:
        raise CultivaError(
            "the live side was made with another number of partitions",
            code="stream.other_partitions",
            kind=ErrorKind.CONFLICT,
            seen=f"{asked} in cultiva.toml, {there} in {where}",
            allowed=str(there),
            hint="leave [live] partitions as it was, or begin with an empty log and hot store",
        )

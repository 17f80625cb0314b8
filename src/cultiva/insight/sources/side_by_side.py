"""Tables that may be read side by side: of small deliveries, and only where they share no input.

A small table keeps one core busy, whatever there are. Of 20,000 customers' weekly delivery two cores take a bit more
than half the time that one takes. Large deliveries take all cores table by table, and their memory for one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cultiva.contracts.types import TableSchema
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.definitions.workspace import Workspace
from cultiva.insight.sources.files import Window, find_files
from cultiva.kit.errors import Faults

SMALL_BYTES = 256 * 2**20
"""A delivery of files up to this size is small."""
SIDE_BY_SIDE_MAX = 4
"""Tables read at once; beyond, the largest one decides how long it takes."""


@dataclass(frozen=True)
class TableSource:
    """A table and the mappings that feed it."""

    schema: TableSchema
    """Canonical columns and extra ones."""
    mappings: tuple[TableMapping, ...]
    """In the order of the workspace."""

    def inputs(self, known: Sequence[str]) -> frozenset[str]:
        """Inputs that it may read: a SELECT those whose names it says, if only in a comment."""
        selects = " ".join(one.select or "" for one in self.mappings)
        named = {name for name in known if re.search(rf"(?i)\b{re.escape(name)}\b", selects)}
        return frozenset(named | {one.source for one in self.mappings if one.source is not None})


def is_small(workspace: Workspace, on: date) -> bool:
    """Whether the files of a business date, and earlier ones that may be read with them, are small.

    What comes from a database may be large, and two queries at once are more than it may have been promised.
    """
    sources, window = workspace.sources.inputs, Window(on, date.min)
    if any(one.query is not None for one in sources):
        return False
    try:
        files = [
            file
            for one in sources
            for file in find_files(str(one.file), workspace.root, workspace.settings.vars, window)
        ]
        return sum(file.path.stat().st_size for file in files) <= SMALL_BYTES
    except (Faults, OSError):  # whoever reads the file says what is wrong with it
        return False


def independent(sources: Sequence[TableSource], known: Sequence[str]) -> list[list[TableSource]]:
    """Tables in groups that share no input, in the order of their first ones.

    Args:
        sources: The tables.
        known: Names of all inputs.
    """
    groups: list[tuple[set[str], list[TableSource]]] = []
    for source in sources:
        reads = set(source.inputs(known))
        shared = [group for group in groups if group[0] & reads]
        first = shared[0] if shared else (set[str](), list[TableSource]())
        if not shared:
            groups.append(first)
        for other in shared[1:]:
            first[0].update(other[0])
            first[1].extend(other[1])
            groups.remove(other)
        first[0].update(reads)
        first[1].append(source)
    return [tables for _, tables in groups]

"""A draft: what could be read of a workspace, with the faults so far and the place of everything.

Checking goes on with what is whole. What is broken is known by name, so that one fault does not cause ten others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cultiva.definitions.document import Document, Loc
from cultiva.definitions.portfolios import GAP_COLUMNS, MODEL_COLUMN
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault

SINGLES = frozenset(
    {
        "lifecycle",
        "value",
        "contact_policy",
        "identity",
        "review",
        "approval",
        "arbitration",
        "placements",
        "calendar",
        "fairness",
        "map",
        "models",
        "sender",
        "portfolios",
        "workbench",
    }
)
"""Kinds that have one file which is one definition."""
NAMING = frozenset({"tag", "segment", "event", "value", "mapping", "portfolios"})
"""Kinds that define names which rules use."""
Key = tuple[str, str]
"""A definition: its kind and name."""


@dataclass(frozen=True)
class Origin:
    """Where a definition is written."""

    document: Document
    loc: Loc = ()

    def fault(self, loc: Loc, code: str, message: str, *, on_key: bool = False, **parts: Any) -> Fault:
        """A fault at a place within the definition."""
        return self.document.fault((*self.loc, *loc), code, message, on_key=on_key, **parts)

    def place(self) -> str:
        """File, line and column of the definition."""
        line, column = self.document.spot(self.loc).key
        return f"{self.document.file}:{line}:{column}"

    def text_place(self, loc: Loc, line: int, column: int) -> tuple[int, int]:
        """Line and column in the file of a line and column within one of the definition's texts."""
        return self.document.text_place((*self.loc, *loc), line, column)


@dataclass
class Readings:
    """What reading the files collects."""

    origins: dict[Key, Origin] = field(default_factory=dict)
    """Where each definition is written."""
    faults: list[Fault] = field(default_factory=list)
    """Faults so far."""
    broken: set[str] = field(default_factory=set)
    """Names within definitions that could not be read; a reference to one is not a fault of its own."""
    unreadable: set[str] = field(default_factory=set)
    """Kinds of which a file is missing or no YAML: which names they define is not known."""
    uncertain: set[str] = field(default_factory=set)
    """Kinds of which a definition has faults that leave open which names it defines."""

    def note_broken(self, kind: str, data: object) -> None:
        """Remembers the names in a definition that has faults."""
        names = list(_names(data))
        self.broken.update(names)
        if not names or kind in SINGLES:
            self.uncertain.add(kind)
        if kind == "value":
            self.broken.update(f"value_{name}" for name in names)
        if kind == "portfolios":
            self.broken.update((MODEL_COLUMN, *GAP_COLUMNS.values()))
        for name in ("parameters", "extra_columns"):
            self.broken.update(_keys(data, name))


@dataclass(frozen=True)
class Draft:
    """A workspace as far as it could be read."""

    workspace: Workspace
    """What is whole; broken single files are replaced by empty ones."""
    readings: Readings
    """Where it is written and what is broken."""

    def origin(self, kind: str, name: str) -> Origin:
        """Where a definition is written."""
        return self.readings.origins.get((kind, name), Origin(Document("", "", None)))

    def is_doubtful(self, kind: str, name: str) -> bool:
        """Whether an unknown name may be one that could not be read."""
        return name in self.readings.broken or kind in self.readings.unreadable | self.readings.uncertain

    def names_doubtful(self) -> bool:
        """Whether a name that a rule does not find may be one that could not be read."""
        return bool(self.readings.unreadable & NAMING or self.readings.uncertain & (NAMING - SINGLES))

    def mentions_broken(self, text: str) -> bool:
        """Whether a rule uses a name whose definition could not be read."""
        return not self.readings.broken.isdisjoint(re.findall(r"\w+", text))


def _names(data: object) -> Iterator[str]:
    """Every value under a key `name`, at any depth."""
    if isinstance(data, dict):
        if isinstance(data.get("name"), str):
            yield data["name"]
        for value in data.values():
            yield from _names(value)
    elif isinstance(data, list):
        for value in data:
            yield from _names(value)


def _keys(data: object, name: str) -> list[str]:
    found = data.get(name) if isinstance(data, dict) else None
    return [str(key) for key in found] if isinstance(found, dict) else []

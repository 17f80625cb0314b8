"""Settings with what the command line sets instead, and the filling of `${name}` in sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cultiva.definitions.document import Document
from cultiva.definitions.sources import SourceFile
from cultiva.definitions.validation import field_names, validate
from cultiva.definitions.workspace import Settings
from cultiva.kit.errors import Fault

VARIABLE = re.compile(r"\$\{(?!env:)([^}]*)\}")
"""A `${name}`; `${env:NAME}` is left for the moment when a connection is opened, so that no secret is kept."""


@dataclass(frozen=True)
class Variables:
    """Values for `${name}`."""

    values: Mapping[str, str]
    """From `[vars]`, overridden by the command line."""
    typed: frozenset[str] = frozenset()
    """Names given on the command line: a path in one is relative to where the command was typed."""
    typed_in: Path = Path()
    """Where the command was typed."""

    def fill(self, text: str) -> str:
        """The text with every known `${name}` replaced."""
        return VARIABLE.sub(lambda found: self.values.get(found[1].strip(), found[0]), text)

    def fill_path(self, text: str) -> str:
        """A path likewise; one that begins with a name given on the command line starts from there."""
        first = VARIABLE.match(text)
        typed = first is not None and first[1].strip() in self.typed
        filled = self.fill(text)
        return str(self.typed_in / filled) if typed and not Path(filled).is_absolute() else filled


def read_settings(
    document: Document, overrides: Mapping[str, str]
) -> tuple[Settings | None, Mapping[str, str], list[Fault]]:
    """Reads cultiva.toml with overrides laid over it.

    Args:
        document: The file.
        overrides: From `--set`: `engine.name=spark` sets a setting, any other name a variable.

    Returns:
        The settings, the overrides that are variables, and the faults.
    """
    data: dict[str, Any] = {
        key: dict(value) if isinstance(value, dict) else value for key, value in document.data.items()
    }
    sections = ("engine", "lake", "store", "live", "events", "console")
    variables = {}
    for name, value in overrides.items():
        section, _, setting = name.partition(".")
        if setting and section in sections:
            data.setdefault(section, {})[setting] = value
        elif name in field_names(Settings) and name not in (*sections, "vars"):
            data[name] = value
        else:
            variables[name] = value
    data["vars"] = {**data.get("vars", {}), **variables} if isinstance(data.get("vars", {}), dict) else data["vars"]
    settings, faults = validate(Settings, Document(document.file, document.text, data, document.spots))
    return settings, variables, faults


def fill_sources(sources: SourceFile, variables: Variables) -> SourceFile:
    """The same sources with every `${name}` filled."""
    inputs = tuple(
        found.model_copy(
            update={
                "file": found.file and variables.fill_path(found.file),
                "url": found.url and variables.fill(found.url),
                "query": found.query and variables.fill(found.query),
            }
        )
        for found in sources.inputs
    )
    tables = tuple(
        found.model_copy(update={"select": found.select and variables.fill(found.select)}) for found in sources.tables
    )
    return sources.model_copy(update={"inputs": inputs, "tables": tables})


@dataclass(frozen=True)
class VariableUse:
    """One `${name}` in a source."""

    variable: str
    """Its name."""
    kind: str
    """input or mapping."""
    name: str
    """Name of the input, or `table.name` of the mapping."""
    field: str
    """The field it stands in."""
    line: int
    """Line within the field's text, from 1."""
    column: int
    """Column within that line, from 1."""


def used_variables(sources: SourceFile) -> Iterator[VariableUse]:
    """Every `${name}` that sources use."""
    texts = [("input", found.name, name, getattr(found, name)) for found in sources.inputs for name in _INPUT_TEXTS]
    texts += [("mapping", f"{found.table}.{found.name}", "select", found.select) for found in sources.tables]
    for kind, name, field, text in texts:
        for match in VARIABLE.finditer(text or ""):
            before = (text or "")[: match.start()]
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            yield VariableUse(match[1].strip(), kind, name, field, line, column)


_INPUT_TEXTS = ("file", "url", "query")

"""JSON Schemas of the files, so that an editor completes and checks them while they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cultiva.definitions.files import FILE_KINDS
from cultiva.definitions.workspace import Settings

SCHEMA_FOLDER = ".cultiva/schema"
"""Where the schemas lie within a workspace; the files' first lines point there."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """The schema of every kind of file, by kind; `settings` is that of cultiva.toml."""
    found = {}
    for kind in FILE_KINDS:
        shape: Any = list[kind.model] if kind.many else kind.model  # type: ignore[name-defined]
        found[kind.kind] = _schema(shape, f"{kind.pattern} of a Cultiva workspace")
    return {**found, "settings": _schema(Settings, "cultiva.toml of a Cultiva workspace")}


def write_schemas(folder: Path) -> list[Path]:
    """Writes the schemas as files.

    Args:
        folder: Usually `SCHEMA_FOLDER` of a workspace; made if it is not there.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, schema in json_schemas().items():
        path = folder / f"{kind}.json"
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _schema(shape: Any, title: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "title": title, **TypeAdapter(shape).json_schema(by_alias=True)}

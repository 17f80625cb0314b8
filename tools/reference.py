"""Writes the reference pages that are generated from the code; `--check` fails if one is stale."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cultiva.api.app import document
from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import TableSchema
from cultiva.contracts.views import VIEWS
from cultiva.rules.reference import markdown

DOCS = Path(__file__).parents[1] / "docs"


def pages() -> dict[str, str]:
    """File name -> text of every generated page."""
    return {"rules.md": markdown(), "tables.md": _tables(), "openapi.json": _openapi()}


def _openapi() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _tables() -> str:
    lines = ["# Canonical tables", "", "What `sources/` maps a bank's own tables to. Generated from the code.", ""]
    for table in CANONICAL.values():
        lines += _table(table)
    lines += ["# Row views", "", "What aggregate tags and value components run over; each has `customer_id` too.", ""]
    for view in VIEWS.values():
        lines += _table(view)
    return "\n".join(lines)


def _table(table: TableSchema) -> list[str]:
    head = [
        f"## {table.name}",
        "",
        f"{table.doc[0].upper()}{table.doc[1:]}. Key: {', '.join(f'`{name}`' for name in table.key)}.",
        "",
    ]
    rows = [
        f"| `{column.name}` | {column.type} | {'yes' if column.required else ''} | "
        f"{', '.join(column.codes)}{' ' if column.codes and column.doc else ''}{column.doc} |"
        for column in table.columns
    ]
    return [*head, "| column | type | required | allowed, meaning |", "|---|---|---|---|", *rows, ""]


def main() -> int:
    """Writes or checks the pages."""
    stale = [name for name, text in pages().items() if _stale(DOCS / name, text)]
    if "--check" in sys.argv:
        if stale:
            print(f"stale: {', '.join(stale)}; run `make docs` and commit", file=sys.stderr)
        return 1 if stale else 0
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


def _stale(path: Path, text: str) -> bool:
    return not path.exists() or path.read_text(encoding="utf-8") != text


if __name__ == "__main__":
    raise SystemExit(main())

"""Lists the names that each room offers to others: what its `__init__` and `service` define or re-export."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "cultiva"
DOORS = ("__init__.py", "service.py", "port.py")


def listing() -> str:
    """One line per public name: `room.module name`."""
    doors = sorted(path for path in SOURCE.rglob("*.py") if path.name in DOORS)
    return "".join(f"{_module(path)} {name}\n" for path in doors for name in _names(path))


def _module(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _names(path: Path) -> list[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom) and path.name == "__init__.py":
            names.update(alias.asname or alias.name for alias in node.names)
    return sorted(name for name in names if not name.startswith("_") and name != "annotations")


if __name__ == "__main__":
    print(listing(), end="")

"""External tables: inputs that tags read directly, kept in the lake as delivered, in the types of the tags."""

from __future__ import annotations

from cultiva.contracts.types import Column, DataType, TableSchema
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.definitions.tags import External
from cultiva.definitions.workspace import Workspace

_SYSTEM = "source_system"


def external_table(name: str) -> str:
    """The lake table of an external input.

    Examples:
        >>> external_table("credit_bureau")
        'external_credit_bureau'
    """
    return f"external_{name}"


def external_mappings(workspace: Workspace) -> list[tuple[TableMapping, TableSchema]]:
    """For each input that tags read: a mapping and a table with the columns read, under the input's own names.

    A column has the type of its tag; text if several tags of different types read it. Keys are texts and required.
    """
    wanted: dict[str, dict[str, set[DataType]]] = {}
    keys: dict[str, set[str]] = {}
    for tag in workspace.tags.values():
        if tag.external is not None:
            columns = wanted.setdefault(tag.external.input, {})
            columns.setdefault(tag.external.column, set()).add(tag.type)
            keys.setdefault(tag.external.input, set()).update(_key(tag.external))
    return [_mapping(name, columns, keys[name]) for name, columns in sorted(wanted.items())]


def _key(external: External) -> set[str]:
    own = external.key == "customer_id" or external.source_system is not None
    return {external.key} if own else {external.key, _SYSTEM}


def _mapping(name: str, columns: dict[str, set[DataType]], keys: set[str]) -> tuple[TableMapping, TableSchema]:
    named = [Column(key, DataType.TEXT, required=True) for key in sorted(keys)]
    named += [
        Column(column, types.pop() if len(types) == 1 else DataType.TEXT)
        for column, types in sorted(columns.items())
        if column not in keys
    ]
    table = external_table(name)
    mapping = TableMapping.model_validate(
        {"table": table, "name": table, "from": name, "columns": {column.name: column.name for column in named}}
    )
    return mapping, TableSchema(table, tuple(named), key=(), doc=f"the input {name} as delivered")

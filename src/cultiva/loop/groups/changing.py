"""What the buttons of the visual builder do to its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cultiva.loop.groups.rows import ROWS_MAX

_PATH = re.compile(r"0(\.\d{1,3}){0,8}")
NEW: Mapping[str, Mapping[str, str]] = {
    "row": {"kind": "row", "tag": "", "op": ">=", "value": ""},
    "member": {"kind": "member", "segment": "", "op": "is in"},
    "group": {"kind": "group", "join": "or", "not": ""},
}


def acted(fields: Mapping[str, str], act: str, *, tag: str, segment: str) -> dict[str, str]:
    """The fields after a button was pressed; one that is not known does nothing.

    Args:
        fields: Of the builder.
        act: `row:<path>`, `member:<path>`, `group:<path>` add to a group; `remove:<path>` takes away.
        tag: That a new row begins with.
        segment: That a new membership begins with.

    Examples:
        >>> acted({"n.0.kind": "group"}, "row:0", tag="age", segment="")["n.0.0.tag"]
        'age'
        >>> acted({"n.0.kind": "group", "n.0.0.kind": "row"}, "remove:0.0", tag="age", segment="")
        {'n.0.kind': 'group'}
    """
    what, _, path = act.partition(":")
    if not _PATH.fullmatch(path):
        return dict(fields)
    if what == "remove" and path != "0":
        return {name: value for name, value in fields.items() if not name.startswith(f"n.{path}.")}
    if what not in NEW or fields.get(f"n.{path}.kind") != "group":
        return dict(fields)
    number = 1 + max((_number(name, path) for name in fields), default=-1)
    if number >= ROWS_MAX:
        return dict(fields)
    made = {f"n.{path}.{number}.{name}": value for name, value in NEW[what].items()}
    if what == "row":
        made[f"n.{path}.{number}.tag"] = tag
    if what == "member":
        made[f"n.{path}.{number}.segment"] = segment
    if what == "group":
        inner = {f"n.{path}.{number}.0.{name}": value for name, value in NEW["row"].items()}
        made |= inner | {f"n.{path}.{number}.0.tag": tag}
    return {**fields, **made}


def _number(name: str, path: str) -> int:
    """The number of the item of a group that a field belongs to; -1 for another's."""
    rest = name.removeprefix(f"n.{path}.")
    first = rest.partition(".")[0]
    return int(first) if rest != name and first.isdecimal() else -1

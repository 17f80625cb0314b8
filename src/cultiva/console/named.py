"""Names of people and places as pages show them, kept per run; and facts masked for whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from cultiva.console.desk import ConsoleDesk
from cultiva.kit.masking import MASKS, mask_whole
from cultiva.loop.person.rows import scanned

_MASKED_AS = {"name": "customer_name"}


def branch_names(desk: ConsoleDesk, on: date) -> Mapping[str, str]:
    """Branch -> its name, as the newest delivery says."""
    return desk.kept(("branch names",), on, lambda: _named(desk, "branch", "branch_id", on))


def staff_names(desk: ConsoleDesk, on: date) -> Mapping[str, str]:
    """Member of staff -> name, as the newest delivery says."""
    return desk.kept(("staff names",), on, lambda: _named(desk, "staff", "staff_id", on))


def masked(name: str, value: Any, *, personal: bool, may_see: bool) -> Any:
    """A fact as somebody may see it.

    Examples:
        >>> masked("phone", "13812345678", personal=True, may_see=False), masked("age", 41, personal=False,
        ...     may_see=False)
        ('138******78', 41)
    """
    if value is None or may_see or not personal:
        return value
    return MASKS.get(_MASKED_AS.get(name, name), mask_whole)(str(value))


def _named(desk: ConsoleDesk, table: str, key: str, on: date) -> dict[str, str]:
    files = desk.parts.lake.files_latest(table, on)
    if not files:
        return {}
    rows = scanned(files)
    if "name" not in rows.collect_schema().names():
        return {}
    found = rows.select(key, "name").collect()
    return {str(one): name for one, name in found.iter_rows() if name}

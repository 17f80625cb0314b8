"""How things are shown: tables to people, plain text into pipes, JSON to programs; errors with their four parts."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cultiva.kit.errors import CultivaError
from cultiva.kit.sheet import Sheet

WIDTH_PLAIN = 200
"""Columns of a page that goes into a pipe; wide enough that no cell is folded."""


def console(*, error: bool = False) -> Console:
    """The terminal, or a plain wide page where the output goes into a pipe or a file."""
    stream = sys.stderr if error else sys.stdout
    terminal = stream.isatty()
    return Console(file=stream, highlight=False, soft_wrap=not terminal, width=None if terminal else WIDTH_PLAIN)


def show_sheet(sheet: Sheet, *, as_json: bool = False) -> None:
    """Prints a sheet.

    Args:
        sheet: What to show.
        as_json: As an array of objects instead.
    """
    if as_json:
        show_json(sheet.records())
        return
    page = console()
    if sheet.title:
        page.print(Text(sheet.title, style="bold"))
    page.print(_table(sheet, terminal=page.is_terminal))
    if sheet.note:
        page.print(Text(sheet.note, style="dim"))


def _table(sheet: Sheet, *, terminal: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False, header_style="bold", show_edge=False)
    for name, numeric in zip(sheet.columns, sheet.numeric(), strict=True):
        heading = sheet.headings.get(name, name)
        table.add_column(
            escape(heading), justify="right" if numeric else "left", overflow="fold", no_wrap=not terminal or numeric
        )
    for row in sheet.cells():
        table.add_row(*(Text(cell) for cell in row))
    return table


def show_json(value: Any) -> None:
    """Prints data as JSON: dataclasses, dates, decimals and enums included."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2)
    sys.stdout.write(text.decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)


def show_line(text: str, *, style: str = "") -> None:
    """Prints one line as it is, no markup read."""
    console().print(Text(text, style=style))


def show_error(error: CultivaError) -> None:
    """Prints an error to the error stream: what failed, value seen, what was allowed, what to do."""
    head, *rest = str(error).splitlines()
    page = console(error=True)
    page.print(Text.assemble(("error ", "bold red"), (head, "bold")))
    for line in rest:
        page.print(Text(line))

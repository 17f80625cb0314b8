"""How things are shown: tables to people, plain text into pipes, JSON to programs; errors with their four parts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cultiva.kit.errors import CultivaError
from cultiva.kit.sheet import Sheet

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH_PLAIN = 10_000
"""Columns of a page that goes into a pipe; so wide that nothing is folded or cut."""


def console(*, error: bool = False) -> Console:
    """The terminal, or a plain wide page where the output goes into a pipe or a file."""
    from rich.console import Console

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
    from rich.text import Text

    page = console()
    if sheet.title:
        page.print(Text(sheet.title, style="bold"))
    if page.is_terminal:
        page.print(_table(sheet))
    else:
        page.print(Text("\n".join(_plain_lines(sheet))))
    if sheet.note:
        page.print(Text(sheet.note, style="dim"))


def _table(sheet: Sheet) -> Table:
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for name, numeric in zip(sheet.columns, sheet.numeric(), strict=True):
        heading = sheet.headings.get(name, name)
        table.add_column(escape(heading), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in sheet.cells():
        table.add_row(*(Text(cell) for cell in row))
    return table


def _plain_lines(sheet: Sheet) -> list[str]:
    """One line per row whatever is in it, columns two spaces apart, Chinese characters two columns wide."""
    from rich.cells import cell_len

    heading = [sheet.headings.get(name, name) for name in sheet.columns]
    rows = [[" ".join(cell.split()) for cell in row] for row in [heading, *sheet.cells()]]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    numeric = sheet.numeric()
    cells = [
        [_padded(cell, width - cell_len(cell), flush) for cell, width, flush in zip(row, widths, numeric, strict=True)]
        for row in rows
    ]
    return ["  ".join(row).rstrip() for row in cells]


def _padded(cell: str, missing: int, flush_right: bool) -> str:
    return " " * missing + cell if flush_right else cell + " " * missing


def show_json(value: Any) -> None:
    """Prints data as JSON: dataclasses, dates, decimals (as texts, to the last digit) and enums included."""
    sys.stdout.write(to_json(value) + "\n")


def to_json(value: Any) -> str:
    r"""Data as JSON text; what has no value of its own in JSON (NaN) is null.

    Examples:
        >>> to_json({"客户": 3})
        '{\n  "客户": 3\n}'
    """
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value, enc_hook=_simpler), indent=2).decode()


def _simpler(value: Any) -> Any:
    """What JSON knows in place of what it does not."""
    if hasattr(value, "model_dump"):  # a pydantic model
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "dtype") and value.dtype.kind in "biuf":  # a number of numpy, which takes long to import
        return value.tolist()
    return str(value)


def show_line(text: str, *, style: str = "", error: bool = False) -> None:
    """Prints one line as it is, no markup read.

    Args:
        text: The line.
        style: Its style on a terminal.
        error: To the error stream, where it is not data.
    """
    from rich.text import Text

    console(error=error).print(Text(text, style=style))


def show_error(error: CultivaError) -> None:
    """Prints an error to the error stream: what failed, value seen, what was allowed, what to do."""
    from rich.text import Text

    head, *rest = str(error).splitlines()
    page = console(error=True)
    page.print(Text.assemble(("error ", "bold red"), (head, "bold")))
    for line in rest:
        page.print(Text(line))

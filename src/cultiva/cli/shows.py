"""The command `show`: what a run found, as tables."""

from __future__ import annotations

from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_sheet

SHOWS = (
    "run", "tags", "segments", "overlaps", "grid", "moves", "microsegments", "identity", "strategies", "prices",
    "reprices", "levers", "lists", "quarantine",
)  # fmt: skip
"""What can be shown; said here so that `--help` need not load the loop. A test holds it against the loop's own."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("show", help=f"Show what a run found: {', '.join(SHOWS)}.")(show)


def show(
    workspace: WorkspaceArgument,
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"One of: {', '.join(SHOWS)}.")],
    top: Annotated[int | None, typer.Option(help="First rows only.", min=1)] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show one sheet."""
    from cultiva.loop.shows import show as sheet_of

    with opened(workspace, set_) as parts:
        sheet = sheet_of(parts, what, parts.newest_date(maybe_date(on)))
        show_sheet(sheet if top is None else sheet.first(top), as_json=json_)

"""The command that prices what is scarce anew during the day: reprice."""

from __future__ import annotations

from dataclasses import replace
from getpass import getuser
from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import ByOption, JsonOption, SetOption, WorkspaceArgument
from cultiva.cli.work import clock_at
from cultiva.kit.display import show_json, show_line, show_sheet


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("reprice")(reprice)


def reprice(
    workspace: WorkspaceArgument,
    by: ByOption = "",
    at: Annotated[str, typer.Option(help="Pretend that it is this instant (ISO, with zone): for drills.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Price what is left of the day anew, from the night's prices; live decisions charge the new prices at once.

    Done again when nothing has happened since, it changes nothing.
    """
    from cultiva.loop.reprices import data, sheet
    from cultiva.loop.repricing import price_anew

    with opened(workspace, set_) as parts:
        done = price_anew(replace(parts, clock=clock_at(at)), by=by or getuser())
        if json_:
            show_json({"new": done.new, **data(done.version)})
            return
        show_sheet(sheet(parts, [done.version]))
        if not done.new:
            show_line("nothing has happened since: these prices stay")

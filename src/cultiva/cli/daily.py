"""Commands of the main job: plan shows what a run would do, run does it."""

from __future__ import annotations

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import DateOption, JsonOption, SetOption, WorkspaceArgument
from cultiva.kit.clock import parse_business_date
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.progress import Shown


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("plan")(plan)
    app.command("run")(run)


def plan(workspace: WorkspaceArgument, on: DateOption, set_: SetOption = None, json_: JsonOption = False) -> None:
    """Show what a run of this date would do: changed definitions, deliveries found, steps to run or keep."""
    from cultiva.loop import service

    with opened(workspace, set_) as parts:
        preview = service.preview(parts, parse_business_date(on))
    if json_:
        show_json(preview.data())
        return
    for sheet in preview.sheets():
        show_sheet(sheet)
        show_line("")
    show_line(preview.conclusion())


def run(workspace: WorkspaceArgument, on: DateOption, set_: SetOption = None, json_: JsonOption = False) -> None:
    """Run the main job of a business date; a run that was killed goes on after its last finished step."""
    from cultiva.loop import service
    from cultiva.loop.map_kept import leave_after_run

    day = parse_business_date(on)
    with opened(workspace, set_) as parts:
        with Shown(parts.workspace.settings.language) as progress:
            outcome = service.run(parts, day, progress=progress)
        leave_after_run(parts, day)
    if json_:
        show_json(outcome.data())
    else:
        for line in outcome.lines():
            show_line(line)

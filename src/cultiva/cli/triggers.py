"""The commands about triggers: list, firings, try."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import Commands, JsonOption, SetOption, WorkspaceArgument, overrides
from cultiva.kit.display import show_json, show_line, show_sheet

triggers = typer.Typer(
    cls=Commands,
    name="triggers",
    help="What is done at once when something happens.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(triggers)


@triggers.command("list")
def list_(workspace: WorkspaceArgument, set_: SetOption = None, json_: JsonOption = False) -> None:
    """List the triggers, and how often each has fired."""
    from cultiva.execution.triggers import repository
    from cultiva.loop.live.triggering import trigger_sheet

    with opened(workspace, set_) as parts:
        with parts.store.database.reading() as connection:
            counts = repository.counts(connection)
        sheet = trigger_sheet(parts.workspace, counts)
        if json_:
            show_json(sheet.records())
        else:
            show_sheet(sheet)


@triggers.command("firings")
def firings(  # noqa: PLR0913, PLR0917  (which firings; all but the workspace have a default)
    workspace: WorkspaceArgument,
    trigger: Annotated[str | None, typer.Option(help="Only of this one.")] = None,
    customer: Annotated[int | None, typer.Option(help="Only of this customer, by id.")] = None,
    limit: Annotated[int, typer.Option(help="Most firings shown.", min=1)] = 20,
    why: Annotated[bool, typer.Option("--why", help="Tell the story of each, clause by clause.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show when triggers fired, what came of it, and why."""
    from zoneinfo import ZoneInfo

    from cultiva.contracts.sight import EVERYBODY
    from cultiva.loop.live.triggering import firing_sheet, firings_of, story_lines

    with opened(workspace, set_) as parts:
        found = firings_of(parts, trigger=trigger, customer_id=customer, limit=limit, sight=EVERYBODY)
        if json_:
            show_json(found)
            return
        show_sheet(firing_sheet(parts, found))
        for one in found if why else ():
            for line in story_lines(one, ZoneInfo(parts.workspace.settings.timezone)):
                show_line(line)


@triggers.command("try")
def try_(
    workspace: WorkspaceArgument,
    events: Annotated[
        Path,
        typer.Argument(metavar="EVENTS", help="File of events, one JSON object per line.", exists=True, dir_okay=False),
    ],
    until: Annotated[str, typer.Option(metavar="MOMENT", help="How long timers ring, e.g. 2026-11-23T18:00+08:00.")],
    profile: Annotated[
        str, typer.Option(metavar="JSON", help='Columns of the profile that rules see, e.g. {"age": 40}.')
    ] = "{}",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show what events would bring about; nothing is begun and nothing is kept."""
    import json
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from cultiva.definitions.loading import load_workspace
    from cultiva.loop.live.triggering import read_events, tried, tried_lines
    from cultiva.rules.scope import infer_scope

    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise typer.BadParameter(
            f"{until!r} is no moment; write it like 2026-11-23T18:00+08:00", param_hint="--until"
        ) from None
    try:
        values = infer_scope(json.loads(profile))[1]
    except (ValueError, AttributeError):
        raise typer.BadParameter('not a JSON object like {"age": 40}', param_hint="--profile") from None
    loaded = load_workspace(workspace, overrides=overrides(set_))
    zone = ZoneInfo(loaded.settings.timezone)
    moment = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    found = tried(loaded, read_events(events, loaded), values, moment)
    if json_:
        show_json(found)
        return
    for line in tried_lines(found, zone) or ["nothing happens"]:
        show_line(line)

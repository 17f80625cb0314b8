"""The command `review`: what strategies were worth, and what to do with them."""

from __future__ import annotations

from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("review")(review)


def review(
    workspace: WorkspaceArgument,
    strategy: Annotated[str | None, typer.Option(help="Everything about this strategy; (all) is all together.")] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Say what each strategy was worth against its holdout, what it cost, and what to do with it."""
    from cultiva.loop import reviewing

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        found = reviewing.reviews_of(parts, day, strategy)
        if json_:
            show_json(reviewing.data(parts, day, found))
            return
        show_sheet(reviewing.summary(parts, day, found))
        if strategy is not None:
            for sheet in reviewing.details(parts, day, found[0]):
                show_line("")
                show_sheet(sheet)

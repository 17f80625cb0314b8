"""The command `review`: what strategies were worth, and what to do with them; before launch, what can be seen."""

from __future__ import annotations

from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    from cultiva.loop.parts import Parts


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("review")(review)


def review(  # noqa: PLR0913, PLR0917  (what a review can be asked; all but the workspace have a default)
    workspace: WorkspaceArgument,
    strategy: Annotated[str | None, typer.Option(help="Everything about this strategy; (all) is all together.")] = None,
    plan: Annotated[
        str | None,
        typer.Option(metavar="STRATEGY", help="Before launch: how small an effect of this strategy would be seen."),
    ] = None,
    effect: Annotated[
        float | None,
        typer.Option(metavar="MONEY", help="With --plan: how long until this much per customer is seen."),
    ] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Say what each strategy was worth against its holdout, what it cost, and what to do with it."""
    from cultiva.loop import reviewing

    if effect is not None and (plan is None or not (isfinite(effect) and effect > 0)):
        raise CultivaError(
            "an effect is asked about before launch, and is more than nothing",
            code="cli.effect_without_plan",
            seen=f"--effect {effect:g}" + (" without --plan" if plan is None else ""),
            allowed="money above 0, with --plan STRATEGY",
            hint="cultiva review WORKSPACE --plan STRATEGY --effect 20",
        )
    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        if plan is not None:
            _plan(parts, day, plan, effect, as_json=json_)
            return
        found = reviewing.reviews_of(parts, day, strategy)
        if json_:
            show_json(reviewing.data(parts, day, found))
            return
        show_sheet(reviewing.summary(parts, day, found))
        if strategy is not None:
            for sheet in reviewing.details(parts, day, found[0]):
                show_line("")
                show_sheet(sheet)


def _plan(parts: Parts, day: date, strategy: str, effect: float | None, *, as_json: bool) -> None:
    from cultiva.loop import prospects

    found = prospects.prospect_of(parts, day, strategy)
    if as_json:
        show_json(prospects.data(parts, day, found, effect))
        return
    for number, sheet in enumerate(prospects.sheets(parts, found, effect)):
        if number:
            show_line("")
        show_sheet(sheet)

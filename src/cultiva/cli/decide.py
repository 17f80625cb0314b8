"""The command that asks what one customer gets now: decide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument
from cultiva.cli.work import clock_at
from cultiva.kit.display import show_json, show_line

if TYPE_CHECKING:
    from cultiva.loop.live.asking import Answer

CALLER = "cultiva decide"
"""Who asks, in the record of the decision."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("decide")(decide)


def decide(  # noqa: PLR0913, PLR0917  (what a decision can be asked; all but workspace and customer have a default)
    workspace: WorkspaceArgument,
    customer: Annotated[int, typer.Argument(metavar="CUSTOMER", help="The customer's number.")],
    placement: Annotated[str, typer.Option(help="A slot of placements.yaml; or")] = "",
    channel: Annotated[str, typer.Option(help="a channel: a touch over it is held for you.")] = "",
    n: Annotated[int | None, typer.Option("--n", help="Most proposals.", min=1, max=10)] = None,
    at: Annotated[str, typer.Option(help="Pretend that it is this instant (ISO, with zone): for drills.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Decide what a customer gets now, as POST /v1/decide does, and say why every candidate was chosen or lost."""
    import msgspec

    from cultiva.contracts.sight import EVERYBODY
    from cultiva.loop.live.asking import Asked
    from cultiva.loop.live.deciding import open_deciding

    with opened(workspace, set_) as parts:
        deciding = open_deciding(replace(parts, clock=clock_at(at)))
        try:
            language = parts.workspace.settings.language
            found = deciding.decide(Asked(customer, placement, channel, n, language), CALLER, sight=EVERYBODY)
        finally:
            deciding.close()
    if json_:
        show_json(msgspec.to_builtins(found))
    else:
        _show(found)


def _show(found: Answer) -> None:
    what = ", ".join(f"{one.offer} ({one.strategy})" for one in found.proposals) or "nothing"
    degraded = f"   without: {', '.join(found.degraded)}" if found.degraded else ""
    show_line(f"customer {found.customer}: {what}{degraded}")
    for one in found.proposals:
        if one.held_until is not None:
            show_line(f"  held as {one.touch_id} until {one.held_until.isoformat(timespec='seconds')}")
    for reason in found.reasons or ():
        show_line(f"  {reason.strategy}: {reason.text}")

"""Commands about messages that people look after: test-send, letters, resolve."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument
from cultiva.kit.clock import utc_now
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.masking import mask_text


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("test-send")(test_send)
    app.command("letters")(letters)
    app.command("resolve")(resolve)


def test_send(
    workspace: WorkspaceArgument,
    launch: Annotated[str, typer.Argument(metavar="LAUNCH", help="From `cultiva launches`.")],
    customer: Annotated[int | None, typer.Option("--customer", help="Whose values are shown, masked.")] = None,
    set_: SetOption = None,
) -> None:
    """Send every message of a launch to the testers of approval.yaml; `cultiva work` carries them."""
    from cultiva.contracts.sight import EVERYBODY
    from cultiva.loop.trials import send_trials

    with opened(workspace, set_) as parts:
        for one in send_trials(parts, launch, utc_now(), sight=EVERYBODY, customer_id=customer):
            show_line(
                f"{one.delivery_id}  {one.channel} to {mask_text(one.address)}  {one.content.get('text', '')[:80]}"
            )


def letters(
    workspace: WorkspaceArgument,
    dead: Annotated[bool, typer.Option("--dead", help="Those that could not be sent, not those in doubt.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """List messages whose fate is unknown, with the evidence, or those that could not be sent."""
    from cultiva.execution.dispatch.records import State
    from cultiva.loop.letters import letters_of, letters_sheet

    state = State.DEAD if dead else State.UNKNOWN
    with opened(workspace, set_) as parts:
        found = letters_of(parts).of(state, limit=limit)
        if json_:
            show_json(found)
        else:
            show_sheet(letters_sheet(found, state, parts.workspace.settings.language))


def resolve(
    workspace: WorkspaceArgument,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="From `cultiva letters`.")],
    said: Annotated[str, typer.Option("--as", help="arrived, send_again or give_up.")],
    by: Annotated[str, typer.Option("--by", help="Who decides; the operating system's user if left out.")] = "",
    remark: Annotated[str, typer.Option("--remark", help="Why.")] = "",
    set_: SetOption = None,
) -> None:
    """Decide what became of a message; it is kept in the audit."""
    from cultiva.execution.dispatch.records import Resolution
    from cultiva.loop.letters import letters_of

    if said not in set(Resolution):
        raise typer.BadParameter(f"{said} is none of {', '.join(Resolution)}", param_hint="--as")
    with opened(workspace, set_) as parts:
        actor = by or getpass.getuser()
        state = letters_of(parts).resolve(delivery, Resolution(said), actor=actor, remark=remark, at=utc_now())
        show_line(f"{delivery}  {state.value}")

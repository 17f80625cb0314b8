"""The command `preview`: what a customer would read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line

if TYPE_CHECKING:
    from cultiva.loop.previews import Preview

ContentArgument = Annotated[str, typer.Argument(metavar="CONTENT", help="Name of a content, as in content/.")]
CustomerOption = Annotated[
    str, typer.Option("--customer", metavar="CUSTOMER", help="A customer id, or SYSTEM:ID as a source system says.")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("preview")(preview)


def preview(  # noqa: PLR0913, PLR0917 - an option each
    workspace: WorkspaceArgument,
    content: ContentArgument,
    customer: CustomerOption,
    language: Annotated[str | None, typer.Option(help="zh or en; the bank's own if left out.")] = None,
    offer: Annotated[str | None, typer.Option(help="The offer it speaks of; the content's first if left out.")] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show what a customer would read, with everything personal masked; exit code 1 if there would be no message."""
    from cultiva.contracts.sight import EVERYBODY
    from cultiva.execution.content.service import Failure
    from cultiva.loop.lineage import customer_meant
    from cultiva.loop.previews import preview as made_for

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        meant = customer_meant(parts, customer, day, sight=EVERYBODY)
        for note in meant.notes:
            show_line(note, style="yellow", error=json_)
        made = made_for(parts, content, meant.customer_id, day, sight=EVERYBODY, language=language, offer=offer)
    if json_:
        show_json(made)
    else:
        _show(made)
    if isinstance(made.message, Failure):
        raise typer.Exit(1)


def _show(made: Preview) -> None:
    from cultiva.execution.content.service import Failure

    about = f", {made.offer}" if made.offer else ""
    show_line(f"{made.content}{about} for customer {made.customer_id} on {made.on}", style="bold")
    if isinstance(made.message, Failure):
        show_line(f"  no message: {made.message.reason.replace('_', ' ')}: {made.message.about}")
        return
    for field, text in made.message.content.items():
        for index, line in enumerate(text.split("\n")):
            show_line(f"  {field if index == 0 else '':<12}{line}")
    parts = f", {made.parts} part{'' if made.parts == 1 else 's'}" if made.parts else ""
    said = ", said instead: a value is missing" if made.message.fallback else ""
    show_line(f"  {made.message.language}, {len(made.message.content['text'])} characters{parts}{said}")

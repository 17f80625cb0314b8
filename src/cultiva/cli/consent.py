"""The command `consent`: every word that a customer has said about being contacted, and what it comes to now."""

from __future__ import annotations

from typing import Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("consent")(consent)


def consent(
    workspace: WorkspaceArgument,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Number, or SYSTEM:ID.")],
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show the ledger of consent of a customer: who said what when, through what, and which channels are open now."""
    from cultiva.contracts.sight import EVERYBODY
    from cultiva.loop.consent_ledger import ledger_of
    from cultiva.loop.lineage import customer_meant

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        meant = customer_meant(parts, customer, day, sight=EVERYBODY)
        found = ledger_of(parts, meant.customer_id, day, sight=EVERYBODY)
        if json_:
            show_json(found)
            return
        for note in meant.notes:
            show_line(note)
        for sheet in found.sheets():
            show_sheet(sheet)

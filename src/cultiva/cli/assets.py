"""The command `assets`: whose money does not lie where it should, and the adviser's page about one customer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    from datetime import date

    from cultiva.loop.parts import Parts

MaybeCustomer = Annotated[
    str | None,
    typer.Argument(
        metavar="[CUSTOMER]",
        help="A customer id, or SYSTEM:ID as a source system calls the customer; all customers if left out.",
    ),
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="With CUSTOMER: writes the page for the adviser.")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("assets")(assets)


def assets(  # noqa: PLR0913, PLR0917  (what an advice can be asked; all but the workspace have a default)
    workspace: WorkspaceArgument,
    customer: MaybeCustomer = None,
    html: HtmlOption = None,
    handout: Annotated[
        bool, typer.Option("--handout", help="With --html: the page without what the bank earns.")
    ] = False,
    language: Annotated[Literal["zh", "en"] | None, typer.Option(help="The workspace's if left out.")] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show a customer's assets beside the model portfolio, with gaps and what would close them."""
    from cultiva.loop import advising

    _require_page(customer, html, handout=handout)
    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        if customer is None:
            show_sheet(advising.bank_sheet(parts, day), as_json=json_)
            return
        page = _Page(html, language or parts.workspace.settings.language, handout)
        _advise(parts, customer, day, page, as_json=json_)


def _require_page(customer: str | None, html: Path | None, *, handout: bool) -> None:
    """Refuses a page of nobody, and a handout that is no page: neither would be written."""
    missing = "CUSTOMER" if html and not customer else "--html FILE" if handout and not html else ""
    if missing:
        raise CultivaError(
            "a page needs a customer and a file",
            code="cli.no_page",
            seen=f"{'--html' if html else '--handout'} without {missing}",
            allowed="CUSTOMER with --html FILE, and --handout if the customer shall have it",
            hint="cultiva assets WORKSPACE CUSTOMER --html page.html",
        )


@dataclass(frozen=True)
class _Page:
    """Where the adviser's page goes and how it speaks."""

    file: Path | None
    language: str
    handout: bool


def _advise(parts: Parts, customer: str, day: date, page: _Page, *, as_json: bool) -> None:
    from cultiva.contracts.sight import EVERYBODY
    from cultiva.insight.assets.wording import Wording
    from cultiva.loop import advising
    from cultiva.loop.lineage import customer_meant
    from cultiva.loop.report import assets_page

    meant = customer_meant(parts, customer, day, sight=EVERYBODY)
    for note in meant.notes:
        show_line(note, style="yellow", error=as_json)
    found = advising.advice_for(parts, meant.customer_id, day, sight=EVERYBODY)
    language = page.language
    if page.file is not None:
        assets_page.write_page(found, parts.workspace, page.file, language=language, handout=page.handout)
    if as_json:
        show_json(assets_page.data(found, parts.workspace, language=language))
        return
    for sheet in assets_page.sheets(found, parts.workspace, language=language):
        show_sheet(sheet)
        show_line("")
    for note in Wording(parts.workspace, language).notes(found):
        show_line(f"- {note}")
    if page.file is not None:
        show_line(str(page.file))

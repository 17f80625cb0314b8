"""The command `price`: what each group is quoted, what that rests on, who may grant it, whether it is fair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet

if TYPE_CHECKING:
    from datetime import date

    from cultiva.loop.parts import Parts
    from cultiva.strategy.pricing.service import Priced


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("price")(price)


def price(
    workspace: WorkspaceArgument,
    product: Annotated[str | None, typer.Option(help="Only this template.")] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show price ladders by group: response curve, optimum, authority and fairness; and draw them."""
    from cultiva.loop import price_sheets, pricing

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        found = pricing.priced_of(parts, day, product)
        if json_:
            show_json(pricing.data(day, found))
            return
        for number, one in enumerate(found):
            for place, sheet in enumerate(price_sheets.sheets(parts, one)):
                if number or place:
                    show_line("")
                show_sheet(sheet)
            show_line(str(_picture(parts, day, one)))


def _picture(parts: Parts, day: date, one: Priced) -> Path:
    from cultiva.loop.pricing import curve_rows
    from cultiva.loop.report.price_pictures import price_picture

    path = parts.root / "reports" / day.isoformat() / f"price-{one.product.name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(price_picture(curve_rows(one), parts.workspace.settings.language), encoding="utf-8")
    return path

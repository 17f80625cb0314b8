"""The command `map`: groups by stages, and which strategies live where; a forecast of one before it is approved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from cultiva.kit.sheet import Sheet
    from cultiva.loop.parts import Parts


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("map")(map_)


def map_(  # noqa: PLR0913, PLR0917  (what the map can be asked; all but the workspace have a default)
    workspace: WorkspaceArgument,
    strategy: Annotated[str | None, typer.Option(help="Only this strategy: its place, its cells, its rivals.")] = None,
    tier: Annotated[str, typer.Option(help="Only customers of this value tier.")] = "",
    forecast: Annotated[
        str | None,
        typer.Option(
            metavar="STRATEGY", help="Before approval: volumes, cost and effect of this strategy, draft or not."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the page goes; reports/<date>/map.html if left out.")
    ] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show which strategies look after which customers, where they clash, who is left out, and what came of it."""
    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        if forecast is not None:
            _forecast(parts, day, forecast, as_json=json_)
        else:
            _map(parts, day, strategy, tier, html, as_json=json_)


def _map(parts: Parts, day: date, strategy: str | None, tier: str, html: Path | None, *, as_json: bool) -> None:
    from cultiva.loop import map_sheets, mapping
    from cultiva.loop.map_kept import drawn_map
    from cultiva.loop.report.map_page import write_map_page

    drawn = drawn_map(parts, day, tier=tier)
    if strategy is not None:
        mapping.place_of(drawn, strategy)
    page = html
    if html is not None or (strategy is None and not tier):
        page = write_map_page(parts, drawn, html or parts.root / "reports" / day.isoformat() / "map.html")
    if as_json:
        show_json(mapping.data(parts, drawn, strategy))
        return
    _show(map_sheets.sheets(parts, drawn, strategy))
    if page is not None:
        show_line(str(page))


def _forecast(parts: Parts, day: date, strategy: str, *, as_json: bool) -> None:
    from cultiva.loop import forecasting

    found = forecasting.forecast_of(parts, day, strategy)
    if as_json:
        show_json(forecasting.data(parts, found))
        return
    _show(forecasting.sheets(parts, found))


def _show(sheets: Sequence[Sheet]) -> None:
    for number, sheet in enumerate(sheets):
        if number:
            show_line("")
        show_sheet(sheet)

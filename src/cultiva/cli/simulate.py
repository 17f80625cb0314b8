"""The flight simulator: the loop against a bank whose true effects are known."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cultiva.cli.options import JsonOption
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.progress import Shown


class Language(StrEnum):
    """In which people are told."""

    ZH = "zh"
    EN = "en"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("simulate")(simulate)


def simulate(  # noqa: PLR0913, PLR0917  (the knobs of a simulation; all but the world have a default)
    world: Annotated[
        str, typer.Argument(metavar="WORLD", help="A packaged world, or a file of one; `list` names them.")
    ],
    weeks: Annotated[int, typer.Option(help="Weeks that the loop runs.", min=1, max=104)] = 12,
    policy: Annotated[
        str, typer.Option(help="loop, propensity, rules, random, oracle or nobody; `all` flies each.")
    ] = "loop",
    customers: Annotated[int, typer.Option(help="Customers of the simulated bank.", min=500)] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the simulated bank.")] = 1,
    strategies: Annotated[
        Path | None,
        typer.Option(
            metavar="WORKSPACE",
            help="Forecast: fly this workspace's definitions instead of the starter pack, on a bank like its own if it "
            "has been run. Where its sources read other files than the starter pack's, those of the pack are flown; "
            "definitions on columns or events of its own must then be taken out.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Simulated banks to fly, for the spread of a forecast.", min=1)] = 1,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the bank, its workspace and the reports go; simulation/WORLD if left out."),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="Of tables and reports; that of the flown definitions if left out.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Run the real loop against a simulated bank, week by week, and say what it was worth beside the truth."""
    from cultiva.loop.simulation.service import Request, flown, world_names

    if world == "list":
        _list(world_names(), as_json=json_)
        return
    from cultiva.bootstrap import opened

    request = Request(world, policy, weeks, customers, seed, strategies, folder, seeds, language)
    with Shown(request.told_in()) as progress:
        found = flown(request, lambda root, values: opened(root, overrides=values), progress=progress)
    if json_:
        show_json(found.data())
        return
    for sheet in found.sheets():
        show_sheet(sheet)
        show_line("")
    for line in found.lines():
        show_line(line)


def _list(worlds: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        show_json([{"world": name, "description": sentence} for name, sentence in worlds])
        return
    for name, sentence in worlds:
        show_line(f"{name}: {sentence}")

"""The commands between night and day: publish, parity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument
from cultiva.cli.work import clock_at
from cultiva.kit.clock import parse_business_date
from cultiva.kit.display import show_json, show_line
from cultiva.kit.progress import Shown, StepShown

if TYPE_CHECKING:
    from cultiva.loop.live.comparing import Compared

DIFFERENT = 1
"""Exit code where live profiles differ from the night's."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("publish")(publish)
    app.command("parity")(parity)


def publish(
    workspace: WorkspaceArgument,
    on: Annotated[
        str, typer.Option("--date", metavar="YYYY-MM-DD", help="A date that has been run; the newest if left out.")
    ] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Publish tomorrow's profiles of a run into the hot store, as a run with [live] enabled = true does by itself."""
    from cultiva.loop.live.nightly import live_parts, told
    from cultiva.loop.live.papers import publish_papers
    from cultiva.loop.live.publishing import publish as publish_night
    from cultiva.loop.titles import STEPS

    with opened(workspace, set_) as parts, live_parts(parts) as side:
        day = parse_business_date(on) if on else parts.newest_date()
        step = StepShown("publish", STEPS["publish"], 1, 1)
        with Shown(parts.workspace.settings.language) as progress:
            progress.started(step)
            done = publish_night(
                parts, side.live, side.hot, side.log, day, told=lambda n, of: progress.advanced(step, n / of, ""),
                whole=True,
            )  # fmt: skip
            publish_papers(parts, side.hot, day, whole=True)
            progress.finished(step, seconds=sum(done.seconds.values()), rows=done.written)
    if json_:
        show_json(told(done))
    else:
        show_line(f"{done.customers:,} customers of {day}: {done.written:,} written, {done.same:,} as they were")


def parity(
    workspace: WorkspaceArgument,
    sample: Annotated[int, typer.Option(help="How many customers are asked.", min=1)] = 1_000,
    at: Annotated[str, typer.Option(help="Pretend that it is this instant (ISO, with zone): for drills.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Compare live profiles of a sample with what the night makes of the same knowledge; exit with 1 if they differ."""
    from cultiva.loop.live.nightly import live_parts
    from cultiva.loop.live.parity import parity as compare

    with opened(workspace, set_) as parts, live_parts(parts) as side:
        found = compare(parts, side, now=clock_at(at)(), sample=sample)
    if json_:
        show_json(found.data())
    else:
        _show(found)
    if found.differences:
        raise typer.Exit(DIFFERENT)


def _show(found: Compared) -> None:
    show_line(
        f"{found.on}: {found.customers:,} customers, {found.compared:,} values, {found.differences:,} differences"
    )
    for one in found.shown:
        show_line(f"  customer {one.customer_id}: {one.what} is {one.live} live and {one.night} by night")
    if found.left_out:
        show_line(f"  moved at night only, not compared: {', '.join(found.left_out)}")

"""The commands `events ...`: what has come in, what was set aside, history again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import Commands, JsonOption, SetOption, WorkspaceArgument
from cultiva.cli.work import clock_at
from cultiva.kit.clock import parse_business_date
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import CultivaError
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say

if TYPE_CHECKING:
    from cultiva.loop.live.intake import Counted
    from cultiva.loop.live.replaying import Replayed

events = typer.Typer(
    cls=Commands,
    name="events",
    help="What comes in live: counts, quarantine, replay.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
AtOption = Annotated[str, typer.Option(help="Pretend that it is this instant (ISO, with zone): for drills.")]
SET_ASIDE = Words(zh="已隔离的事件", en="set aside")
COUNTS = Words(
    zh="日志 {records:,} 条；等待身份：访客 {visitor:,}、新客户 {user:,}",
    en="{records:,} in the log; waiting for a name: {visitor:,} of visitors, {user:,} of customers of tomorrow",
)
REPLAYED = Words(
    zh="读取 {read:,}：新 {new:,}，日志已有 {repeated:,}，批次已有 {published:,}，等待 {waiting:,}，"
    "隔离 {quarantined:,}",
    en="{read:,} read: {new:,} new, {repeated:,} in the log, {published:,} published, {waiting:,} wait, "
    "{quarantined:,} set aside",
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(events)


@events.command("counts")
def counts(
    workspace: WorkspaceArgument,
    days: Annotated[int, typer.Option(help="Days back.", min=1)] = 7,
    at: AtOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Count what has come in, what waits for a name, and what was set aside for which reason."""
    from cultiva.loop.live.intake import opened_door

    with opened(workspace, set_) as parts, opened_door(parts) as (door, _):
        found = door.counted(clock_at(at)() - timedelta(days=days))
        language = parts.workspace.settings.language
    if json_:
        show_json(asdict(found))
        return
    show_line(say(COUNTS, language).format(records=found.records, **found.waiting))
    if found.refused:
        show_sheet(_reasons(found, language), as_json=False)


def _reasons(found: Counted, language: str) -> Sheet:
    from cultiva.insight.events.reasons import LABELS, Reason

    rows = [
        (one.reason, say(LABELS[Reason(one.reason)], language), one.name, one.sender, one.count)
        for one in found.refused
    ]
    return Sheet(say(SET_ASIDE, language), ("reason", "what", "event", "sender", "count"), tuple(rows))


@events.command("quarantine")
def quarantine(
    workspace: WorkspaceArgument,
    reason: Annotated[str, typer.Option(help="Only of this reason.")] = "",
    last: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show what was set aside last: which member of which message, and what was allowed."""
    from cultiva.loop.live.intake import opened_door

    with opened(workspace, set_) as parts, opened_door(parts) as (door, _):
        found = door.anteroom.refused(reason=reason, limit=last)
        language = parts.workspace.settings.language
    if json_:
        show_json([asdict(one) for one in found])
        return
    rows = [
        (one.received, one.sender, one.name, one.message_id, one.reason, one.body["field"], one.body["allowed"])
        for one in found
    ]
    columns = ("received", "sender", "event", "message_id", "reason", "field", "allowed")
    show_sheet(Sheet(say(SET_ASIDE, language), columns, tuple(rows)), as_json=False)


@events.command("settle")
def settle(workspace: WorkspaceArgument, set_: SetOption = None, json_: JsonOption = False) -> None:
    """Move what waits into the log where it is known by now whose it is; the API does so by itself after every run."""
    from cultiva.loop.live.intake import opened_door

    with opened(workspace, set_) as parts, opened_door(parts) as (door, _):
        before = sum(door.anteroom.waits().values())
        moved = door.intake.settle()
    if json_:
        show_json({"moved": moved, "waiting": before - moved})
    else:
        show_line(f"{moved:,} moved into the log, {before - moved:,} wait on")


@events.command("replay")
def replay(
    workspace: WorkspaceArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Events: .jsonl of messages, or .csv, .parquet.", exists=True, dir_okay=False
        ),
    ] = None,
    from_: Annotated[str, typer.Option("--from", metavar="DATE", help="Rebuild the log from this run's on.")] = "",
    at: AtOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Read history into the log again: a file of events, or what earlier runs were delivered. Twice is once."""
    from cultiva.loop.live.intake import opened_door
    from cultiva.loop.live.replaying import replay_archive, replay_file

    if (file is None) == (not from_):
        raise CultivaError(
            "one of two must be said", code="events.which", seen="both" if file else "neither",
            allowed="a file, or --from DATE", hint="cultiva events replay WORKSPACE FILE",
        )  # fmt: skip
    now = clock_at(at)()
    with opened(workspace, set_) as parts, opened_door(parts) as (door, log):
        if file is not None:
            done = replay_file(parts, door.intake, file, at=now)
        else:
            done = replay_archive(parts, door.intake, log, parse_business_date(from_), at=now)
        _say(done, parts.workspace.settings.language, as_json=json_)


def _say(done: Replayed, language: str, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(done))
        return
    show_line(say(REPLAYED, language).format(**asdict(done)))
    for name, count in sorted(done.reasons.items()):
        show_line(f"  {name}: {count:,}")
    for day, what in done.dates.items():
        show_line(f"  {day}: {what}")

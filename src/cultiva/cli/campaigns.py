"""The commands by which a strategy becomes a launch, is judged, goes out, is held, and what of it was written down."""

from __future__ import annotations

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, MaybeDateOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cultiva.execution.launching.launches import Halt, Launch, Person
    from cultiva.execution.launching.service import Launches
    from cultiva.loop.parts import Parts

LaunchArgument = Annotated[str, typer.Argument(metavar="LAUNCH", help="Id of a launch, or its first characters.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who does it; the operating system's user if left out.")]
RoleOption = Annotated[str, typer.Option("--role", help="A role of approval.yaml.")]
RemarkOption = Annotated[str, typer.Option("--remark", help="What there is to say.")]
ChannelOption = Annotated[str | None, typer.Option("--channel", help="Only this channel.")]
StrategyOption = Annotated[str | None, typer.Option("--strategy", help="Only this strategy.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (
        submit, launches, explain, approve, reject, launch, pause, resume, stop, finish, throttle, halt, lift, audit,
    ):  # fmt: skip
        app.command(command.__name__)(command)


def submit(  # noqa: PLR0913, PLR0917  (what a submission is)
    workspace: WorkspaceArgument,
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY", help="A strategy of the plan.")],
    daily: Annotated[
        bool, typer.Option("--daily/--once", help="Customers of every day's plan from then on, or of this one only.")
    ] = False,
    author: Annotated[
        str | None, typer.Option("--author", help="Who; the operating system's user if left out.")
    ] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Put a strategy of the plan forward for approval, with its explanation."""
    from cultiva.loop import campaigns

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        made = campaigns.submit(parts, strategy, day, enrols="daily" if daily else "once", author=_person(author))
        _say(parts, made, as_json=json_)


def launches(
    workspace: WorkspaceArgument,
    state: Annotated[str | None, typer.Option("--state", help="Only those that stand so, e.g. live.")] = None,
    strategy: StrategyOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """List launches and the emergency stops in force."""
    from cultiva.loop import campaigns
    from cultiva.loop.campaign_sheets import CampaignTables

    with opened(workspace, set_) as parts:
        desk = campaigns.launches_of(parts)
        found, halts = desk.all(states=_states(state), strategy=strategy), desk.halts()
        if json_:
            show_json({"launches": [campaigns.data(one) for one in found], "halts": list(halts.values())})
        else:
            show_sheet(CampaignTables(parts).launches(found, halts))


def explain(
    workspace: WorkspaceArgument, launch: LaunchArgument, set_: SetOption = None, json_: JsonOption = False
) -> None:
    """Show everything that an approver should know of a launch."""
    from cultiva.loop import campaigns
    from cultiva.loop.campaign_sheets import CampaignTables

    with opened(workspace, set_) as parts:
        told = campaigns.explained(parts, launch)
        if json_:
            show_json(told)
            return
        for number, sheet in enumerate(CampaignTables(parts).explanation(told)):
            if number:
                show_line("")
            show_sheet(sheet)


def approve(  # noqa: PLR0913, PLR0917  (what a judgement is)
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    role: RoleOption,
    by: ByOption = None,
    remark: RemarkOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Say yes to a launch of somebody else's, in a role."""

    def do(parts: Parts, desk: Launches, found: Launch) -> Launch:
        version = _version(parts, found)
        return desk.approve(found.launch_id, _person(by), role, parts.clock(), remark=remark, version=version)

    _do(workspace, launch, set_, do, as_json=json_)


def reject(  # noqa: PLR0913, PLR0917  (what a judgement is)
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    role: RoleOption,
    by: ByOption = None,
    remark: RemarkOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Say no to a launch of somebody else's, in a role."""

    def do(parts: Parts, desk: Launches, found: Launch) -> Launch:
        return desk.reject(found.launch_id, _person(by), role, parts.clock(), remark=remark)

    _do(workspace, launch, set_, do, as_json=json_)


def launch(
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    by: ByOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Let an approved launch go out."""

    def do(parts: Parts, desk: Launches, found: Launch) -> Launch:
        return desk.go_live(found.launch_id, _person(by), parts.clock(), version=_version(parts, found))

    _do(workspace, launch, set_, do, as_json=json_)


def pause(
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    by: ByOption = None,
    remark: RemarkOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Hold a live launch; people keep their place in it."""
    _do(workspace, launch, set_, _plain("pause", by, remark), as_json=json_)


def resume(
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    by: ByOption = None,
    remark: RemarkOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Go on with a paused launch."""
    _do(workspace, launch, set_, _plain("resume", by, remark), as_json=json_)


def stop(  # noqa: PLR0913, PLR0917  (what a stop is)
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    by: ByOption = None,
    remark: RemarkOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take back.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Break a launch off for good, or take it back before it has gone out, and say what that takes back."""
    from dataclasses import asdict

    from cultiva.loop import campaigns, stopping

    with opened(workspace, set_) as parts:
        if dry_run:
            found, waiting = stopping.would_stop(parts, launch)
        else:
            found, waiting = stopping.stop(parts, launch, _person(by), parts.clock(), remark=remark)
        if json_:
            show_json({**campaigns.data(found), "consequences": asdict(waiting), "dry_run": dry_run})
            return
        _say(parts, found, as_json=False)
        show_line(stopping.told(waiting, parts.workspace.settings.language, done=not dry_run))


def finish(
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    by: ByOption = None,
    remark: RemarkOption = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Say that a launch is done."""
    _do(workspace, launch, set_, _plain("finish", by, remark), as_json=json_)


def throttle(
    workspace: WorkspaceArgument,
    launch: LaunchArgument,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", help="Most messages a minute over all channels; none if left out.")
    ] = None,
    by: ByOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Send a launch more slowly, or as fast as providers take it."""

    def do(parts: Parts, desk: Launches, found: Launch) -> Launch:
        return desk.throttle(found.launch_id, per_minute, _person(by), parts.clock())

    _do(workspace, launch, set_, do, as_json=json_)


def halt(  # noqa: PLR0913, PLR0917  (what an emergency stop is)
    workspace: WorkspaceArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for those who will lift it.")],
    channel: ChannelOption = None,
    strategy: StrategyOption = None,
    by: ByOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Stop everything at once, or one channel, or one strategy: nothing more is sent until it is lifted."""
    from cultiva.loop import campaigns

    with opened(workspace, set_) as parts:
        scope = campaigns.checked_scope(parts, channel, strategy)
        found = campaigns.launches_of(parts).halt(scope, reason, _person(by), parts.clock())
        _say_halt(parts, found, as_json=json_)


def lift(  # noqa: PLR0913, PLR0917  (what an emergency stop is)
    workspace: WorkspaceArgument,
    channel: ChannelOption = None,
    strategy: StrategyOption = None,
    by: ByOption = None,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Lift an emergency stop; it takes another person than who set it."""
    from cultiva.execution.launching.halting import scope_of
    from cultiva.loop import campaigns

    with opened(workspace, set_) as parts:
        desk = campaigns.launches_of(parts)
        desk.lift(scope_of(channel, strategy), _person(by), parts.clock(), reason=reason)
        halts = desk.halts()
        if json_:
            show_json({"halts": list(halts.values())})
        else:
            from cultiva.loop.campaign_sheets import CampaignTables

            tables = CampaignTables(parts)
            show_line(tables.halted(halts.values()) or tables.text("no_halt"))


def audit(  # noqa: PLR0913, PLR0917  (what the audit can be asked)
    workspace: WorkspaceArgument,
    verify: Annotated[bool, typer.Option("--verify", help="Follow the whole chain; exit code 1 if it breaks.")] = False,
    anchor: Annotated[
        str | None, typer.Option("--anchor", metavar="NUMBER:HASH", help="With --verify: a line known from before.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only lines about this, e.g. launch:5f2c..., or launch: for all.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Only what this person, key or worker did.")] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="Only this, e.g. launch.approved, or launch. for all of a kind.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="INSTANT", help="From this instant on, ISO 8601 with its zone.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="INSTANT", help="Before this instant.")] = None,
    last: Annotated[int, typer.Option("--last", help="Newest lines shown.", min=1)] = 50,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show who did what, or prove that nobody has changed the record."""
    from cultiva.kit.clock import parse_instant
    from cultiva.loop import campaigns
    from cultiva.loop.campaign_sheets import CampaignTables

    with opened(workspace, set_) as parts:
        desk = campaigns.launches_of(parts)
        if verify or anchor is not None:
            _verify(parts, desk, anchor, as_json=json_)
            return
        begin, end = (None if one is None else parse_instant(one) for one in (since, until))
        lines = desk.audit.lines(subject=subject, actor=by, action=action, since=begin, until=end, last=last)
        if json_:
            show_json(lines)
        else:
            show_sheet(CampaignTables(parts).audit(lines))


def _verify(parts: Parts, desk: Launches, anchor: str | None, *, as_json: bool) -> None:
    from cultiva.execution.audit.service import anchor_of
    from cultiva.loop.campaign_sheets import CampaignTables

    found = desk.audit.verify(None if anchor is None else anchor_of(anchor))
    unaudited = desk.unaudited()
    if as_json:
        said: dict[str, Any] = {"whole": found.whole, "lines": found.lines, "broken": found.broken, "what": found.what}
        last = None if found.last is None else str(found.last)
        show_json({**said, "anchor": last, "unaudited": {name: list(both) for name, both in unaudited.items()}})
    else:
        for line in CampaignTables(parts).verified(found, unaudited):
            show_line(line)
    if not found.whole or unaudited:
        raise typer.Exit(1)


def _plain(act: str, by: str | None, remark: str) -> Callable[[Parts, Launches, Launch], Launch]:
    def do(parts: Parts, desk: Launches, found: Launch) -> Launch:
        moved: Launch = getattr(desk, act)(found.launch_id, _person(by), parts.clock(), remark=remark)
        return moved

    return do


def _do(
    workspace: Path,
    name: str,
    set_: list[str] | None,
    do: Callable[[Parts, Launches, Launch], Launch],
    *,
    as_json: bool,
) -> None:
    """Does something to the launch of that name, and says where it stands then."""
    from cultiva.loop import campaigns

    with opened(workspace, set_) as parts:
        desk = campaigns.launches_of(parts)
        _say(parts, do(parts, desk, desk.one(name)), as_json=as_json)


def _version(parts: Parts, found: Launch) -> str:
    """The version of the launch's strategy as it stands now; one that nothing has if it is gone."""
    from cultiva.loop import campaigns

    return campaigns.current_version(parts, found.strategy) or "gone"


def _say(parts: Parts, found: Launch, *, as_json: bool) -> None:
    from cultiva.loop import campaigns
    from cultiva.loop.campaign_sheets import CampaignTables

    if as_json:
        show_json(campaigns.data(found))
        return
    tables = CampaignTables(parts)
    slow = "" if found.per_minute_max is None else f", {found.per_minute_max:,}/min"
    show_line(f"{found.launch_id}  {found.strategy}  {tables.state(found.state)}{slow}")


def _say_halt(parts: Parts, found: Halt, *, as_json: bool) -> None:
    from cultiva.loop.campaign_sheets import CampaignTables

    if as_json:
        show_json(found)
    else:
        show_line(CampaignTables(parts).halted([found]), style="bold red")


def _states(text: str | None) -> list[Any]:
    from cultiva.execution.launching.launches import State

    if text is None:
        return []
    known = [str(one) for one in State]
    if text not in known:
        raise CultivaError(
            "there is no such state",
            code="cli.bad_state",
            seen=text,
            allowed=", ".join(known),
            hint="cultiva launches WORKSPACE --state live",
        )
    return [State(text)]


def _person(name: str | None) -> Person:
    """Who acts: as given, beside the operating system's user, or that user."""
    from cultiva.execution.launching.launches import Person

    try:
        user = getuser()
    except (OSError, KeyError):  # an account without a name, e.g. in a container
        user = ""
    if not (name or user).strip():
        raise CultivaError(
            "nobody is named",
            code="cli.nobody",
            seen="no name, and the operating system knows none",
            allowed="a person",
            hint="--by NAME",
        )
    return Person(name if name is not None else user, via="" if name is None else user)

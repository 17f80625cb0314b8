"""Faults of plays: names that do not exist, steps that nobody reaches, circles without a wait, shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cultiva.contracts.types import DataType
from cultiva.definitions.cycles import cycles
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Origin
from cultiva.definitions.plays import END, STANDARD_SIGNALS, ExitRule, Play, PlayStep
from cultiva.definitions.scopes import platform_columns
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean

SHARE_TOLERANCE = 1e-9
"""How far the shares of a split may be from 1 together."""
WAVES = ("send", "task", "grant", "hand_over")
"""Kinds of step that a customer gets once."""


@dataclass(frozen=True)
class Wanted:
    """A name that a play uses."""

    loc: Loc
    """Where it stands, within the strategy."""
    what: str
    """What is referred to, in words."""
    name: str
    known: Iterable[str]
    """The names that may stand there."""
    where: str
    """Kind of the definition that has them."""


def check_plays(draft: Draft) -> Iterator[Fault]:
    """Faults of the plays of all strategies."""
    for strategy in draft.workspace.strategies.values():
        if strategy.play is None:
            continue
        origin = draft.origin("strategy", strategy.name)
        yield from _unknown(draft, strategy, strategy.play, origin)
        yield from _double_steps(strategy.play, origin)
        yield from _share_faults(strategy.play, origin)
        yield from _channel_faults(draft.workspace, strategy.play, origin)
        if not any(_unknown_steps(strategy.play)) and not _has_doubles(strategy.play):
            yield from _unreachable(strategy.play, origin)
            yield from _circles(strategy.play, origin)


def signal_names(workspace: Workspace) -> set[str]:
    """Everything that a play can wait for."""
    bench = workspace.workbench
    results = {name for result in (bench.results if bench else ()) for name in result.signals}
    return {*STANDARD_SIGNALS, *workspace.events, *results}


def _unknown(draft: Draft, strategy: Strategy, play: Play, origin: Origin) -> Iterator[Fault]:
    for one in (*_unknown_steps(play), *_other_names(draft.workspace, strategy, play)):
        known = sorted(set(one.known))
        if one.name in known or draft.is_doubtful(one.where, one.name):
            continue
        shown = ", ".join(known[:12]) + (f", and {len(known) - 12} more" if len(known) > 12 else "")
        code, hint = f"unknown_{one.what.replace(' ', '_')}", did_you_mean(one.name, known)
        message = f"unknown {one.what} '{one.name}' in the play"
        parts = {"seen": one.name, "allowed": shown or "none", "hint": hint}
        yield origin.fault(one.loc, code, message, on_key=one.loc[-1] == one.name, **parts)


def _unknown_steps(play: Play) -> Iterator[Wanted]:
    known = {END, *(step.name for step in play.steps)}
    if play.start is not None and play.start not in known - {END}:
        yield Wanted(("play", "start"), "step", play.start, known - {END}, "step")
    for index, step in enumerate(play.steps):
        for loc, name in step.targets():
            if name not in known:
                yield Wanted(("play", "steps", index, *loc), "step", name, known, "step")


def _other_names(workspace: Workspace, strategy: Strategy, play: Play) -> Iterator[Wanted]:
    signals = signal_names(workspace)
    for index, leaving in enumerate(play.exits):
        if not isinstance(leaving, ExitRule):
            yield Wanted(("play", "exits", index), "outcome or event", leaving, signals, "event")
    for index, step in enumerate(play.steps):
        base: Loc = ("play", "steps", index)
        for name in step.wait_for.on if step.wait_for else ():
            yield Wanted((*base, "wait_for", "on", name), "outcome or event", name, signals, "event")
        if step.wait is not None and step.wait.until_date is not None:
            yield Wanted((*base, "wait", "until_date"), "date tag", step.wait.until_date, _dates(workspace), "tag")
        yield from _wave_names(workspace, strategy, step, base)


def _dates(workspace: Workspace) -> list[str]:
    columns = {**{name: tag.type for name, tag in workspace.tags.items()}, **platform_columns(workspace)}
    return [name for name, kind in columns.items() if kind is DataType.DATE]


def _wave_names(workspace: Workspace, strategy: Strategy, step: PlayStep, base: Loc) -> Iterator[Wanted]:
    channels = {"send": ("message", "placement"), "task": ("human",)}
    for kind, wave in (("send", step.send), ("task", step.task)):
        if wave is None:
            continue
        if wave.channel is not None:
            served = [one.name for one in workspace.policy.channels if one.kind in channels[kind]]
            what = f"channel of kind {' or '.join(channels[kind])}"
            yield Wanted((*base, kind, "channel"), what, wave.channel, served, "contact_policy")
        if wave.offer is not None:
            own = [name for name in strategy.offers if name in workspace.offers]
            yield Wanted((*base, kind, "offer"), "offer of the strategy", wave.offer, own, "offer")
        contents: Mapping[str, object] = getattr(workspace, "contents", None) or {}
        if wave.content is not None:
            yield Wanted((*base, kind, "content"), "content", wave.content, contents, "content")
    if step.grant is not None:
        benefits = [name for name, offer in workspace.offers.items() if offer.kind == "benefit"]
        yield Wanted((*base, "grant", "offer"), "benefit", step.grant.offer, benefits, "offer")
    bench = workspace.workbench
    kinds = [one.name for one in bench.kinds] if bench else []
    if step.task is not None and step.task.kind is not None:
        yield Wanted((*base, "task", "kind"), "kind of task", step.task.kind, kinds, "workbench")
    if step.hand_over is not None:
        roles = [one.name for one in bench.roles] if bench else []
        yield Wanted((*base, "hand_over", "to"), "role", step.hand_over.to, roles, "workbench")
        if step.hand_over.kind is not None:
            yield Wanted((*base, "hand_over", "kind"), "kind of task", step.hand_over.kind, kinds, "workbench")


def _has_doubles(play: Play) -> bool:
    return len({step.name for step in play.steps}) < len(play.steps)


def _double_steps(play: Play, origin: Origin) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, step in enumerate(play.steps):
        if step.name in first:
            line = origin.document.spot((*origin.loc, "play", "steps", first[step.name], "name")).key[0]
            message = f"step '{step.name}' is defined twice; the first is in line {line}"
            loc = ("play", "steps", index, "name")
            yield origin.fault(loc, "duplicate_name", message, seen=step.name, hint="rename one of them")
        first.setdefault(step.name, index)


def _share_faults(play: Play, origin: Origin) -> Iterator[Fault]:
    for index, step in enumerate(play.steps):
        total = sum(portion.share for portion in step.split or ())
        if step.split is not None and abs(total - 1) > SHARE_TOLERANCE:
            message = f"the shares of the split '{step.name}' do not add up to 1"
            loc = ("play", "steps", index, "split")
            yield origin.fault(loc, "shares", message, seen=f"{total:g}", allowed="1 together")


def _channel_faults(workspace: Workspace, play: Play, origin: Origin) -> Iterator[Fault]:
    """Offers that the channel of their wave cannot carry, and tasks that nobody takes."""
    for index, step in enumerate(play.steps):
        wave = step.send or step.task
        offer = workspace.offers.get(wave.offer or "") if wave else None
        if wave is not None and offer is not None and offer.channels and wave.channel not in (None, *offer.channels):
            message = f"the channel cannot carry the offer '{offer.name}'"
            loc = ("play", "steps", index, step.kind, "channel")
            allowed = ", ".join(offer.channels)
            yield origin.fault(loc, "channel_of_offer", message, seen=str(wave.channel), allowed=allowed)
        bench, task = workspace.workbench, step.task
        if bench is not None and task is not None and task.kind is None and bench.kind_for(task.channel) is None:
            message = f"no kind of task of the workbench serves the channel '{task.channel}'"
            loc = ("play", "steps", index, "task", "channel")
            yield origin.fault(loc, "no_kind_of_task", message, seen=task.channel, hint="name a kind")


def _edges(play: Play, *, timeless: bool) -> dict[str, frozenset[str]]:
    """Step -> steps that may follow it; timeless: only where surely no time need pass."""
    followers = play.followers()
    found: dict[str, frozenset[str]] = {}
    for step in play.steps:
        after = {name for loc, name in step.targets() if loc not in (("next",), ("wait_for", "timeout"))}
        later = step.wait_for.timeout or followers[step.name] if step.wait_for else followers[step.name]
        takes_time = step.wait_for is not None or (step.wait is not None and step.wait.takes_time)
        if step.kind not in ("split", "end") and not (timeless and takes_time):
            after.add(later)
        found[step.name] = frozenset(after & {one.name for one in play.steps})
    return found


def _unreachable(play: Play, origin: Origin) -> Iterator[Fault]:
    edges, start = _edges(play, timeless=False), play.start or play.steps[0].name
    reached, left = set[str](), [start]
    while left:
        if (name := left.pop()) not in reached:
            reached.add(name)
            left += edges[name]
    for index, step in enumerate(play.steps):
        if step.name not in reached:
            message = f"nobody reaches the step '{step.name}'"
            hint = "let a step lead to it, or remove it"
            yield origin.fault(("play", "steps", index, "name"), "unreachable_step", message, seen=step.name, hint=hint)


def _circles(play: Play, origin: Origin) -> Iterator[Fault]:
    places = {step.name: index for index, step in enumerate(play.steps)}
    for circle in cycles(_edges(play, timeless=True)):
        message = f"a circle of steps without a wait: {' -> '.join(circle)}"
        loc = ("play", "steps", places[circle[0]], "name")
        hint = "put a wait for some days into it; a weekday or a date may be now, an answer may be there already"
        yield origin.fault(loc, "circle_without_wait", message, seen=circle[0], hint=hint)
    told = {name for circle in cycles(_edges(play, timeless=False)) for name in circle}
    for one in sorted(told, key=places.__getitem__):
        if play.steps[places[one]].kind in WAVES:
            message = f"the step '{one}' lies on a circle, but a customer gets each wave once"
            loc = ("play", "steps", places[one], "name")
            yield origin.fault(loc, "wave_in_circle", message, seen=one, hint="write the next wave as a step")

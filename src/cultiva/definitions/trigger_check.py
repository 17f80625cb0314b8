"""Faults of triggers: names that do not exist, members of different types, offers and channels that do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Origin
from cultiva.definitions.references import PLACEHOLDER, shortened
from cultiva.definitions.scopes import event_names, platform_columns
from cultiva.definitions.triggers import SERVICE, FeedPlacement, MakeTask, StartPlay, Trigger
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean


@dataclass(frozen=True)
class Named:
    """A name that a trigger uses."""

    loc: Loc
    what: str
    """What is referred to, in words."""
    name: str
    known: Iterable[str]
    """The names that may stand there."""
    kind: str
    """Kind of the definition that has them."""


def check_triggers(draft: Draft, *, warnings: bool = True) -> Iterator[Fault]:
    """Faults of all triggers; what is only doubtful too if wanted."""
    for trigger in draft.workspace.triggers.values():
        origin = draft.origin("trigger", trigger.name)
        unknown = list(_unknown(draft, trigger, origin))
        yield from unknown
        yield from _differing_types(draft.workspace, trigger, origin)
        yield from _placeholders(draft, trigger, origin)
        if not unknown:
            yield from _misfits(draft.workspace, trigger, origin)
        if warnings and not unknown:
            yield from _doubts(draft.workspace, trigger, origin)


def _unknown(draft: Draft, trigger: Trigger, origin: Origin) -> Iterator[Fault]:
    for one in (*_events(draft.workspace, trigger), *_names(draft.workspace, trigger)):
        known = sorted(set(one.known))
        if one.name not in known and not draft.is_doubtful(one.kind, one.name):
            code, message = f"unknown_{one.what.replace(' ', '_')}", f"unknown {one.what} '{one.name}' in the trigger"
            hint = did_you_mean(one.name, known)
            yield origin.fault(one.loc, code, message, seen=one.name, allowed=shortened(known) or "none", hint=hint)


def _events(workspace: Workspace, trigger: Trigger) -> Iterator[Named]:
    for index, name in enumerate(trigger.on):
        yield Named(_place(("on",), trigger.on, index), "event", name, workspace.events, "event")
    if trigger.then_not is None:
        return
    for index, name in enumerate(trigger.then_not.event):
        loc = _place(("then_not", "event"), trigger.then_not.event, index)
        yield Named(loc, "event", name, workspace.events, "event")
    for index, name in enumerate(trigger.then_not.same):
        declared = [workspace.events[one].properties for one in (*trigger.on, *trigger.then_not.event)
                    if one in workspace.events]  # fmt: skip
        common = set.intersection(*(set(one) for one in declared)) if declared else set()
        yield Named(("then_not", "same", index), "property of all its events", name, common, "event")


def _place(loc: Loc, names: tuple[str, ...], index: int) -> Loc:
    """Where a name stands: a single one may be written without a list."""
    return (*loc, index) if len(names) > 1 else loc


def _names(workspace: Workspace, trigger: Trigger) -> Iterator[Named]:
    does = trigger.does
    made: StartPlay | MakeTask | FeedPlacement | None = does.play or does.task or does.placement
    assert made is not None, "a trigger does exactly one thing"
    base: Loc = ("does", does.kind)
    if made.strategy is not None:
        yield Named((*base, "strategy"), "strategy", made.strategy, workspace.strategies, "strategy")
    strategy = workspace.strategies.get(made.strategy or "")
    if made.offer is not None:
        own = strategy.offers if strategy is not None else (*workspace.offers, *workspace.products)
        yield Named((*base, "offer"), "offer of the strategy" if strategy else "offer", made.offer, own, "offer")
    if not isinstance(made, FeedPlacement) and made.channel is not None:
        channels = [one.name for one in workspace.policy.channels]
        yield Named((*base, "channel"), "channel", made.channel, channels, "contact_policy")
    if isinstance(made, MakeTask):
        kinds = [one.name for one in workspace.workbench.kinds] if workspace.workbench else []
        yield Named((*base, "kind"), "kind of task", made.kind, kinds, "workbench")
    if isinstance(made, FeedPlacement):
        slots = getattr(getattr(workspace, "placements", None), "placements", ())
        yield Named((*base, "placement"), "placement", made.placement, [one.name for one in slots], "placements")


def _differing_types(workspace: Workspace, trigger: Trigger, origin: Origin) -> Iterator[Fault]:
    """Properties that two of its events have in different types: a rule could not say what they are."""
    lists = [("on", trigger.on)] + ([("then_not", trigger.then_not.event)] if trigger.then_not else [])
    for field, names in lists:
        seen: dict[str, tuple[str, str]] = {}
        for name in names:
            for one, kind in (workspace.events[name].properties if name in workspace.events else {}).items():
                first, before = seen.setdefault(one, (name, kind.value))
                if before != kind.value:
                    message = f"its events do not agree what '{one}' is"
                    told = f"{before} of {first}, {kind.value} of {name}"
                    hint = "make two triggers of it, or rename a property"
                    yield origin.fault((field,), "property_types", message, seen=told, allowed="one type", hint=hint)


def _placeholders(draft: Draft, trigger: Trigger, origin: Origin) -> Iterator[Fault]:
    """Names in the texts of a task that nothing fills."""
    if trigger.does.task is None:
        return
    workspace = draft.workspace
    known = {*workspace.tags, *platform_columns(workspace), *event_names(workspace, trigger.on)}
    for field in ("reason", "script"):
        for found in PLACEHOLDER.finditer(getattr(trigger.does.task, field)):
            name = found[1].strip()
            if name not in known and not draft.is_doubtful("tag", name):
                message, hint = f"nothing fills '{{{name}}}'", did_you_mean(name, known)
                loc = ("does", "task", field)
                allowed = "tags, platform columns and event.NAME"
                yield origin.fault(loc, "unknown_tag", message, seen=name, allowed=allowed, hint=hint)


def _misfits(workspace: Workspace, trigger: Trigger, origin: Origin) -> Iterator[Fault]:
    """What exists but does not go together; suitability for a risk is judged by plan and decision alone."""
    made = trigger.does.play or trigger.does.task
    if made is None:
        return
    offer = workspace.offers.get(made.offer or "")
    loc: Loc = ("does", trigger.does.kind, "offer")
    if offer is not None and offer.risk_level is not None:
        message = f"the offer '{offer.name}' has a risk level: only a plan or a decision may propose it"
        hint = "feed a placement with it, or start without an offer"
        yield origin.fault(loc, "risky_offer", message, seen=offer.risk_level, allowed="no risk level", hint=hint)
    if offer is not None and offer.channels and made.channel not in (None, *offer.channels):
        message = f"the channel cannot carry the offer '{offer.name}'"
        seen, allowed = str(made.channel), ", ".join(offer.channels)
        yield origin.fault((*loc[:-1], "channel"), "channel_of_offer", message, seen=seen, allowed=allowed)
    if isinstance(made, MakeTask) and made.service and offer is not None and offer.kind != SERVICE:
        message = "a service does not propose something that is for sale"
        hint = "leave the offer out, or name a channel instead of service"
        yield origin.fault(loc, "service_offer", message, seen=offer.kind.value, allowed=SERVICE, hint=hint)


def _doubts(workspace: Workspace, trigger: Trigger, origin: Origin) -> Iterator[Fault]:
    """What can never do anything, or says the same twice."""
    strategy = workspace.strategies.get(trigger.does.strategy or "")
    if trigger.active and strategy is not None and not strategy.active:
        message = f"the strategy '{strategy.name}' is not active"
        loc = ("does", trigger.does.kind, "strategy")
        hint = "make it active, or the trigger inactive"
        yield origin.fault(loc, "inactive_strategy", message, seen=strategy.name, hint=hint, warning=True)
    gone = trigger.then_not
    if gone is not None and set(trigger.on) <= set(gone.event) and not re.search(r"\w", gone.where.replace("true", "")):
        message = "each beginning waits until nothing else of its kind has happened"
        hint = "say debounce instead"
        yield origin.fault(("then_not", "event"), "then_not_itself", message, hint=hint, warning=True)
    if trigger.again_after is not None and trigger.again_after.total < trigger.wait:
        message = "it may fire again sooner than it takes to fall due"
        hint = "leave again_after out, or make it longer"
        yield origin.fault(("again_after",), "again_after", message, hint=hint, warning=True)

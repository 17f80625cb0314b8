"""Faults of `workbench.yaml`: names that do not exist, results without an end, work that nobody could take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Origin
from cultiva.definitions.workbench import Workbench
from cultiva.kit.errors import Fault, did_you_mean

KEY = ("workbench", "workbench")
"""The definition of which the faults are."""
Wanted = tuple[Loc, str, str, Iterable[str], str]
"""Place, what is referred to in words, the name, the names there are, and the kind of definition that has them."""


def check_workbench(draft: Draft) -> Iterator[Fault]:
    """Faults of the workbench."""
    bench = draft.workspace.workbench
    if bench is None:
        return
    origin = draft.origin(*KEY)
    for loc, what, name, names, where in _references(draft, bench):
        known = sorted(set(names))
        if name not in known and not draft.is_doubtful(where, name):
            code, message = f"unknown_{what.replace(' ', '_')}", f"unknown {what} '{name}'"
            hint = did_you_mean(name, known)
            yield origin.fault(loc, code, message, seen=name, allowed=", ".join(known) or "none", hint=hint)
    yield from _double_faults(bench, origin)
    yield from _end_faults(bench, origin)
    yield from _manager_faults(bench, origin)
    yield from _channel_faults(draft, bench, origin)


def _references(draft: Draft, bench: Workbench) -> Iterator[Wanted]:
    roles, kinds = [one.name for one in bench.roles], [one.name for one in bench.kinds]
    results = [one.name for one in bench.results]
    channels = [one.name for one in draft.workspace.policy.channels if one.kind == "human"]
    for index, kind in enumerate(bench.kinds):
        base: Loc = ("kinds", index)
        yield (*base, "role"), "role", kind.role, roles, "workbench"
        for position, name in enumerate(kind.channels):
            yield (*base, "channels", position), "human channel", name, channels, "contact_policy"
        for position, name in enumerate(kind.results):
            yield (*base, "results", position), "result", name, results, "workbench"
        for position, step in enumerate(kind.escalation):
            if step.to is not None:
                yield (*base, "escalation", position, "to"), "role", step.to, roles, "workbench"
    for index, result in enumerate(bench.results):
        if result.follow_up is not None:
            loc = ("results", index, "follow_up", "kind")
            yield loc, "kind of task", result.follow_up.kind, kinds, "workbench"


def _double_faults(bench: Workbench, origin: Origin) -> Iterator[Fault]:
    for field, what, items in (
        ("roles", "role", bench.roles),
        ("kinds", "kind of task", bench.kinds),
        ("results", "result", bench.results),
    ):
        names = [one.name for one in items]
        for index, name in enumerate(names):
            if name in names[:index]:
                message, hint = f"{what} '{name}' is defined twice", "rename one of them"
                yield origin.fault((field, index, "name"), "duplicate_name", message, seen=name, hint=hint)


def _end_faults(bench: Workbench, origin: Origin) -> Iterator[Fault]:
    """A kind whose results never close it would stay on the list for ever."""
    for index, kind in enumerate(bench.kinds):
        found = bench.results_of(kind)
        if found and not any(one.then == "close" for one in found):
            message = f"no result ends a task of kind '{kind.name}'"
            loc, seen = ("kinds", index, "results"), ", ".join(one.name for one in found)
            yield origin.fault(loc, "task_end", message, on_key=True, seen=seen, hint="add one with then: close")


def _manager_faults(bench: Workbench, origin: Origin) -> Iterator[Fault]:
    managers = [index for index, one in enumerate(bench.roles) if one.manages]
    if not managers:
        message = "no role manages: a hand-over that nobody accepts goes straight back to its sender"
        yield origin.fault(("roles",), "no_manager", message, on_key=True, hint="manages: true", warning=True)
    for index in managers:
        if bench.roles[index].whole_bank:
            message = f"'{bench.roles[index].name}' manages a branch and works for the whole bank"
            hint = "give the managers of branches a role of their own"
            yield origin.fault(("roles", index, "whole_bank"), "manager_branch", message, on_key=True, hint=hint)


def _channel_faults(draft: Draft, bench: Workbench, origin: Origin) -> Iterator[Fault]:
    """Two kinds for one channel: which is meant? None: strategies over it bring no work about."""
    first: dict[str, str] = {}
    for index, kind in enumerate(bench.kinds):
        for position, name in enumerate(kind.channels):
            if name in first:
                message = f"the channel '{name}' is served by '{first[name]}' already"
                loc, hint = ("kinds", index, "channels", position), "a play can still name this kind"
                yield origin.fault(loc, "channel_served_twice", message, seen=name, hint=hint)
            first.setdefault(name, kind.name)
    for channel in draft.workspace.policy.channels:
        if channel.kind == "human" and channel.name not in first and not draft.is_doubtful(*KEY):
            message = f"no kind of task serves the channel '{channel.name}'"
            hint = "add it to the channels of a kind"
            yield origin.fault(("kinds",), "channel_not_served", message, on_key=True, hint=hint, warning=True)

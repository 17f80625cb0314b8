"""What must hold between the rules of approval and the rest of the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cultiva.definitions.draft import Draft
from cultiva.definitions.references import Reference, shortened
from cultiva.kit.errors import Fault, did_you_mean

KEY = ("approval", "approval")


def check_approval(draft: Draft) -> Iterator[Fault]:
    """Faults of channels, offers and strategies that do not exist, and of names given twice."""
    for one in _references(draft):
        known = sorted(set(one.known))
        if one.wanted in known or draft.is_doubtful(one.defined_in or one.target, one.wanted):
            continue
        yield draft.origin(*KEY).fault(
            one.loc,
            f"unknown_{one.target}",
            f"unknown {one.target} '{one.wanted}'",
            seen=one.wanted,
            allowed=shortened(known),
            hint=did_you_mean(one.wanted, known),
        )
    approval = draft.workspace.approval
    yield from _doubles(draft, "roles", [one.name for one in approval.roles])
    yield from _doubles(draft, "demands", [one.name for one in approval.demands])
    yield from _doubles(draft, "testers", [one.name for one in approval.testers])


def _references(draft: Draft) -> Iterator[Reference]:
    workspace, approval = draft.workspace, draft.workspace.approval
    channels = [one.name for one in workspace.policy.channels]
    offers, strategies = sorted(workspace.offers), sorted(workspace.strategies)
    for index, role in enumerate(approval.roles):
        for place, name in enumerate(role.channels):
            loc = ("roles", index, "channels", place)
            yield Reference(*KEY, loc, "channel", name, channels, "contact_policy")
    for index, demand in enumerate(approval.demands):
        named = (("channels", "channel", demand.channels, channels, "contact_policy"),
                 ("offers", "offer", demand.offers, offers, ""),
                 ("strategies", "strategy", demand.strategies, strategies, ""))  # fmt: skip
        for field, target, names, known, kind in named:
            for place, name in enumerate(names):
                yield Reference(*KEY, ("demands", index, field, place), target, name, known, kind)
    for index, tester in enumerate(approval.testers):
        for name in tester.addresses:
            where = ("testers", index, "addresses", name)
            yield Reference(*KEY, where, "channel", name, channels, "contact_policy")


def _doubles(draft: Draft, field: str, names: Iterable[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            message = f"{field[:-1]} '{name}' is defined twice"
            place = (field, index, "name")
            yield draft.origin(*KEY).fault(place, "duplicate_name", message, seen=name, hint="rename one of them")
        seen.add(name)

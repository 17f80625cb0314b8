"""What must hold within one definition beyond its fields: order, doubles, files that must be there."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from cultiva.definitions.base import Definition
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Key
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.value import Band, Tiering
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, nearest

VALUE_TIER = "value_tier"
"""The tiering that makes the grid, with the stages."""
LIST_KEYS = ("customer_id", "source_system and source_id")
"""How a list names its customers."""


def check_structure(draft: Draft) -> Iterator[Fault]:
    """Faults within single definitions."""
    yield from _doubles(draft)
    yield from _tiering_faults(draft)
    yield from _lifecycle_faults(draft)
    yield from _list_faults(draft)
    yield from _micro_faults(draft)
    yield from _strategy_faults(draft)


def _inner_lists(workspace: Workspace) -> Iterator[tuple[Key, Loc, str, Sequence[Definition | Band]]]:
    """Lists of named things within one definition."""
    value, policy = ("value", "value"), ("contact_policy", "contact_policy")
    yield ("lifecycle", "lifecycle"), ("stages",), "stage", workspace.lifecycle.stages
    yield value, ("components",), "component", workspace.value.components
    yield value, ("tierings",), "tiering", workspace.value.tierings
    for index, tiering in enumerate(workspace.value.tierings):
        yield value, ("tierings", index, "bands"), "band", tiering.bands
    yield ("review", "review"), ("metrics",), "metric", workspace.review.metrics
    arbitration = ("arbitration", "arbitration")
    yield arbitration, ("resources",), "resource", workspace.arbitration.resources
    yield arbitration, ("levers",), "lever", workspace.arbitration.levers
    yield ("placements", "placements"), ("placements",), "placement", workspace.placements.placements
    yield policy, ("channels",), "channel", workspace.policy.channels
    yield policy, ("suppressions",), "suppression", workspace.policy.suppressions


def _doubles(draft: Draft) -> Iterator[Fault]:
    for key, loc, what, items in _inner_lists(draft.workspace):
        first: dict[str, int] = {}
        origin = draft.origin(*key)
        for index, item in enumerate(items):
            if item.name in first:
                spot = origin.document.spot((*origin.loc, *loc, first[item.name], "name"))
                place = f"{origin.document.file}:{spot.key[0]}:{spot.key[1]}"
                message = f"{what} '{item.name}' is defined twice; the first is at {place}"
                place_loc = (*loc, index, "name")
                yield origin.fault(place_loc, "duplicate_name", message, seen=item.name, hint="rename one of them")
            first.setdefault(item.name, index)


def _tiering_faults(draft: Draft) -> Iterator[Fault]:
    tierings = draft.workspace.value.tierings
    origin = draft.origin("value", "value")
    known = [tiering.name for tiering in tierings]
    if VALUE_TIER not in known and not draft.is_doubtful("value", VALUE_TIER):
        message = "no tiering is named value_tier; the grid of stages and tiers needs it"
        near = nearest(VALUE_TIER, known)
        hint = f"rename '{near}' to value_tier" if near else "add a tiering of comprehensive_value named value_tier"
        yield origin.fault(("tierings",), "no_value_tier", message, on_key=True, seen=", ".join(known), hint=hint)
    for index, tiering in enumerate(tierings):
        for position, seen, message in _band_problems(tiering):
            loc = ("tierings", index, "bands", position, "from")
            allowed = "no from for the lowest band, then ascending numbers"
            yield origin.fault(loc, "band_order", message, seen=seen, allowed=allowed)


def _band_problems(tiering: Tiering) -> Iterator[tuple[int, str, str]]:
    bands = tiering.bands
    if bands[0].from_value is not None:
        yield 0, f"{bands[0].from_value:g}", f"the lowest band '{bands[0].name}' has a from; who is below it?"
    for index, (lower, upper) in enumerate(pairwise(bands), start=1):
        if upper.from_value is None:
            yield index, "nothing", f"the band '{upper.name}' has no from"
        elif lower.from_value is not None and upper.from_value <= lower.from_value:
            seen = f"{lower.from_value:g}, then {upper.from_value:g}"
            yield index, seen, f"the band '{upper.name}' does not begin above '{lower.name}'"


def _lifecycle_faults(draft: Draft) -> Iterator[Fault]:
    stages, order = draft.workspace.lifecycle.stages, draft.workspace.lifecycle.order
    origin = draft.origin("lifecycle", "lifecycle")
    last = stages[-1]
    if last.rule.strip().lower() != "true":
        loc = ("stages", len(stages) - 1, "rule")
        message = f"the last stage '{last.name}' must take everyone who is left"
        yield origin.fault(loc, "last_stage", message, seen=" ".join(last.rule.split()), allowed="true")
    left_out = [stage.name for stage in stages if order and stage.name not in order]
    if left_out:
        message = f"stages are not in the order shown: {', '.join(left_out)}"
        yield origin.fault(("order",), "stage_order", message, on_key=True, hint="add them to order, or leave it out")


def _list_faults(draft: Draft) -> Iterator[Fault]:
    for segment in draft.workspace.segments.values():
        if segment.list is None:
            continue
        root = draft.workspace.root.resolve()
        inside = (root / segment.list).resolve().is_relative_to(root)
        problem = _list_problem(root / segment.list) if inside else "the list file lies outside of the workspace"
        if problem:
            allowed = f"a CSV file in UTF-8 with {' or '.join(LIST_KEYS)}"
            origin = draft.origin("segment", segment.name)
            yield origin.fault(("list",), "list_file", problem, seen=segment.list, allowed=allowed)


def _list_problem(path: Path) -> str:
    if not path.is_file():
        return "the list file does not exist"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = {name.strip() for name in next(csv.reader(file), [])}
    except (UnicodeDecodeError, csv.Error):
        return "the list file is not CSV in UTF-8"
    named = "customer_id" in header or {"source_system", "source_id"} <= header
    return "" if named else "the list file's first line names no customer"


def _micro_faults(draft: Draft) -> Iterator[Fault]:
    for micro in draft.workspace.micro_segmentations.values():
        if micro.clusters.minimum > micro.clusters.maximum:
            seen = f"{micro.clusters.minimum} to {micro.clusters.maximum}"
            origin = draft.origin("micro_segmentation", micro.name)
            yield origin.fault(("clusters",), "cluster_range", "the fewest clusters are more than the most", seen=seen)


def _strategy_faults(draft: Draft) -> Iterator[Fault]:
    for strategy in draft.workspace.strategies.values():
        origin = draft.origin("strategy", strategy.name)
        capacity = strategy.capacity
        if capacity is not None and capacity.per != "adviser" and capacity.contacts_max is None:
            message = f"a capacity per {capacity.per} needs contacts_max"
            yield origin.fault(
                ("capacity",), "capacity", message, on_key=True, hint="add contacts_max: contacts per day"
            )
        yield from _channel_faults(draft, strategy)


def _channel_faults(draft: Draft, strategy: Strategy) -> Iterator[Fault]:
    """Offers that no channel of the strategy can carry."""
    for index, name in enumerate(strategy.offers):
        offer = draft.workspace.offers.get(name)
        if offer is None or not offer.channels or set(offer.channels) & set(strategy.channels):
            continue
        yield draft.origin("strategy", strategy.name).fault(
            ("offers", index),
            "no_common_channel",
            f"no channel of the strategy can carry the offer '{name}'",
            seen=", ".join(strategy.channels),
            allowed=", ".join(offer.channels),
            warning=True,
        )

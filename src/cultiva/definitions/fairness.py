"""By what nobody may be priced: groups of a ladder that are, or are made of, a protected attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cultiva.contracts.types import DataType
from cultiva.definitions.draft import Draft
from cultiva.definitions.references import shortened
from cultiva.definitions.scopes import party_columns, platform_columns, tier_names
from cultiva.definitions.usage import Compiled
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean

FAIRNESS = ("fairness", "fairness")
"""The key of `fairness.yaml`."""


def check_fairness(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    """Faults of the groups by which prices differ.

    Args:
        draft: What was read.
        compiled: Every rule of the workspace; None where it has faults.
    """
    workspace = draft.workspace
    if not workspace.products:
        return
    columns = _columns(workspace)
    texts = sorted(name for name, kind in columns.items() if kind is DataType.TEXT)
    made_of = ingredients(workspace, compiled)
    protected = set(workspace.fairness.protected)
    for product in workspace.products.values():
        origin = draft.origin("product", product.name)
        for index, name in enumerate(product.pricing.groups):
            loc = ("pricing", "groups", index)
            found = sorted(protected & _all_of(name, made_of))
            if name not in texts and not draft.is_doubtful("tag", name) and name not in protected:
                hint = did_you_mean(name, texts)
                message = f"unknown text tag '{name}'" if name not in columns else f"'{name}' is no text tag"
                yield origin.fault(loc, "unknown_text_tag", message, seen=name, allowed=shortened(texts), hint=hint)
            elif found:
                made = "is" if found == [name] else f"is made of {', '.join(found)}, which is"
                message = f"prices may not differ by '{name}': it {made} protected"
                hint = "take it out of groups; conditions of eligibility may use it"
                yield origin.fault(loc, "protected_group", message, seen=name, hint=hint)
    yield from _unknown_protected(draft, columns)


def _unknown_protected(draft: Draft, columns: Mapping[str, DataType]) -> Iterator[Fault]:
    """Names in the list that mean nothing: a misspelt one would protect nobody."""
    workspace = draft.workspace
    if FAIRNESS not in draft.readings.origins:
        return
    known = sorted({*columns, *party_columns(workspace)})
    for index, name in enumerate(workspace.fairness.protected):
        if name not in known and not draft.is_doubtful("tag", name):
            yield draft.origin(*FAIRNESS).fault(
                ("protected", index), "unknown_tag", f"unknown tag or party column '{name}'", seen=name,
                allowed=shortened(known), hint=did_you_mean(name, known),
            )  # fmt: skip


def _columns(workspace: Workspace) -> dict[str, DataType]:
    return {**{name: tag.type for name, tag in workspace.tags.items()}, **platform_columns(workspace)}


def ingredients(workspace: Workspace, compiled: Compiled) -> dict[str, set[str]]:
    """For every column of the profile what it is made of directly, as far as it is other columns or party columns.

    What is summed over a customer's rows (balances, movements) is made of nothing here.
    """
    made: dict[str, set[str]] = {name: {tag.column} for name, tag in workspace.tags.items() if tag.column is not None}
    segments: dict[str, set[str]] = {}
    value: set[str] = set()
    stage: set[str] = set()
    for site, rule in compiled:
        if rule is None or site.over_rows:
            continue
        used = {*rule.columns, *(f"segment:{name}" for name in rule.segments)}
        if site.kind == "tag":
            made[site.name] = made.get(site.name, set()) | used
        elif site.kind == "segment":
            segments[f"segment:{site.name}"] = used
        elif site.kind == "value":
            value |= used
        elif site.kind == "lifecycle":
            stage |= used
    if workspace.value.weights.potential:
        value |= set(workspace.value.potential.peers)
    made |= {"stage": stage, "previous_stage": {"stage"}, "comprehensive_value": value}
    by_name = {tiering.name: tiering.of for tiering in workspace.value.tierings}
    return {**made, **segments, **{name: {by_name[name]} for name in tier_names(workspace)}}


def _all_of(name: str, made_of: Mapping[str, set[str]]) -> set[str]:
    """A column with everything that it is made of, directly or not."""
    found, open_ = set[str](), {name}
    while open_:
        one = open_.pop()
        found.add(one)
        open_ |= made_of.get(one, set()) - found
    return found

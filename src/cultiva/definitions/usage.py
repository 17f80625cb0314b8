"""What is defined but never used, what is defined twice, and what depends on a table that has no source."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from cultiva.definitions.draft import Draft
from cultiva.definitions.files import SETTINGS_FILE
from cultiva.definitions.references import PLACEHOLDER, shortened
from cultiva.definitions.rulesites import RuleSite
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault
from cultiva.rules import Rule

Compiled = Sequence[tuple[RuleSite, Rule | None]]
"""Every rule of the workspace; None where it has faults."""

PLATFORM_TAGS = frozenset({"branch_id", "adviser_id"})
"""Tags that the platform itself reads: whose list a customer is on."""
VIEW_SOURCES = {
    "transaction": ("transaction", "account", "holder"),
    "holding": ("account", "holder", "balance", "product"),
}
"""The canonical tables behind a view that is made from several."""


def check_usage(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    """Warnings about what is unused, double, or without a source."""
    yield from _unused_tags(draft, compiled)
    yield from _unused_offers(draft)
    yield from _double_segments(draft)
    yield from _double_tags(draft)
    yield from _absent_tables(draft, compiled)


def used_names(workspace: Workspace, compiled: Compiled) -> set[str]:
    """Every profile column that some definition uses."""
    used = set(PLATFORM_TAGS)
    for site, rule in compiled:
        if not site.over_rows:
            used |= rule.columns if rule is not None else set(re.findall(r"\w+", site.text))
    used |= set(workspace.value.potential.peers)
    used |= {tiering.of for tiering in workspace.value.tierings}
    for micro in workspace.micro_segmentations.values():
        used |= set(micro.tags)
    for strategy in workspace.strategies.values():
        used |= {strategy.objective.metric, *(found.strip() for found in PLACEHOLDER.findall(strategy.reason))}
        waits = [step.wait for step in (strategy.play.steps if strategy.play else ()) if step.wait is not None]
        used |= {wait.until_date for wait in waits if wait.until_date is not None}
    used |= {name for product in workspace.products.values() for name in product.pricing.groups}
    if workspace.portfolios is not None:
        used |= {bucket.balance for _, bucket in workspace.portfolios.buckets.items()}
    return used | _reviewed(workspace)


def _reviewed(workspace: Workspace) -> set[str]:
    """Every profile column by which results are measured."""
    review = workspace.review
    named = {name for metric in review.metrics for name in (metric.tag, metric.covariate)}
    return {name for name in (*named, review.covariate, *review.groups) if name is not None}


def _unused_tags(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    if draft.readings.unreadable or draft.readings.broken:
        return  # what would have used it may be what cannot be read
    used = used_names(draft.workspace, compiled)
    for name in draft.workspace.tags:
        if name not in used:
            hint = "use it, or remove it: every tag costs time at every run"
            message = f"no definition uses the tag '{name}'"
            yield draft.origin("tag", name).fault(("name",), "unused_tag", message, hint=hint, warning=True)


def _unused_offers(draft: Draft) -> Iterator[Fault]:
    if {"strategy"} & draft.readings.unreadable or draft.readings.broken:
        return
    used = {name for strategy in draft.workspace.strategies.values() for name in strategy.offers}
    used |= {name for product in draft.workspace.products.values() for name in product.benefits}
    for kind, names in (("offer", draft.workspace.offers), ("product", draft.workspace.products)):
        for name in names:
            if name not in used:
                message, hint = f"no strategy proposes the {kind} '{name}'", "add it to a strategy, or remove it"
                yield draft.origin(kind, name).fault(("name",), f"unused_{kind}", message, hint=hint, warning=True)


def _double_segments(draft: Draft) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for segment in draft.workspace.segments.values():
        if segment.rule is None:
            continue
        plain = " ".join(segment.rule.lower().split())
        if plain in first:
            place = draft.origin("segment", first[plain]).place()
            message = f"segment '{segment.name}' has the same rule as '{first[plain]}' at {place}"
            hint = f"use segment('{first[plain]}')"
            origin = draft.origin("segment", segment.name)
            yield origin.fault(("rule",), "duplicate_rule", message, hint=hint, warning=True)
        first.setdefault(plain, segment.name)


def _double_tags(draft: Draft) -> Iterator[Fault]:
    """Tags that are made in the same way as an earlier one."""
    first: dict[str, str] = {}
    for tag in draft.workspace.tags.values():
        made = tag.model_dump_json(include={"type", "column", "aggregate", "expression", "external", "score"})
        if made in first:
            place = draft.origin("tag", first[made]).place()
            message = f"tag '{tag.name}' is made in the same way as '{first[made]}' at {place}"
            origin = draft.origin("tag", tag.name)
            yield origin.fault(("name",), "duplicate_tag", message, hint="keep one of them", warning=True)
        first.setdefault(made, tag.name)


def _absent_tables(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    """One note per table that has no source and on which something depends."""
    if {"mapping", "settings"} & draft.readings.unreadable or draft.readings.broken:
        return
    present = {mapping.table for mapping in draft.workspace.sources.tables}
    file = draft.origin("settings", SETTINGS_FILE).document.file
    for table, dependents in sorted(_dependents(draft.workspace, compiled).items()):
        if table in present:
            continue
        message = f"no source feeds the table {table}: null or 0 are {shortened(sorted(dependents), 8)}"
        yield Fault(file, 0, 0, "definitions.no_source", message, hint=f"map {table} in sources/", warning=True)


def _dependents(workspace: Workspace, compiled: Compiled) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    views = [(f"tag {tag.name}", tag.aggregate.table) for tag in workspace.tags.values() if tag.aggregate]
    views += [(f"value {part.name}", part.aggregate.table) for part in workspace.value.components]
    views += [(f"metric {one.name}", one.aggregate.table) for one in workspace.review.metrics if one.aggregate]
    views += [(f"{site.kind} {site.name}", "event") for site, rule in compiled if rule is not None and rule.events]
    for dependent, view in views:
        for table in VIEW_SOURCES.get(view, (view,)):
            found[table].add(dependent)
    if workspace.policy.consent.required:
        found["consent"].add("every strategy that needs consent")
    if any(cap.scope == "household" for cap in workspace.policy.caps):
        found["relationship"].add("every cap of scope household")
    for strategy in workspace.strategies.values():
        if strategy.capacity and strategy.capacity.per == "adviser" and strategy.capacity.contacts_max is None:
            found["staff"].add(f"strategy {strategy.name}")
    return found

"""Checking a draft: every rule is compiled where it stands, every name looked up, every fault given its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cultiva.definitions.approval_check import check_approval
from cultiva.definitions.cycles import cycles
from cultiva.definitions.draft import Draft
from cultiva.definitions.fairness import check_fairness
from cultiva.definitions.mappings import check_sources
from cultiva.definitions.play_check import check_plays
from cultiva.definitions.portfolio_check import check_portfolios
from cultiva.definitions.pricing import check_products
from cultiva.definitions.provider_check import check_providers
from cultiva.definitions.reach import check_reach, check_values
from cultiva.definitions.references import check_references
from cultiva.definitions.rulesites import RuleSite, rule_sites
from cultiva.definitions.structure import check_structure
from cultiva.definitions.suitability import check_suitability
from cultiva.definitions.trigger_check import check_triggers
from cultiva.definitions.usage import Compiled, check_usage
from cultiva.definitions.workbench_check import check_workbench
from cultiva.kit.errors import Fault
from cultiva.rules import Rule, RuleErrors, compile_rule


def check_draft(draft: Draft, *, warnings: bool = True) -> Iterator[Fault]:
    """Every fault of what could be read.

    Args:
        draft: What was read.
        warnings: Whether to look for what is only doubtful too; it takes a third of the time.
    """
    faults: list[Fault] = []
    compiled = [(site, _compiled(draft, site, faults)) for site in rule_sites(draft.workspace)]
    yield from faults
    yield from _cycle_faults(draft, compiled)
    yield from check_references(draft)
    yield from check_structure(draft)
    yield from check_suitability(draft)
    yield from check_portfolios(draft, solve=warnings)
    yield from check_approval(draft)
    yield from check_workbench(draft)
    yield from check_sources(draft)
    yield from check_plays(draft)
    yield from check_triggers(draft, warnings=warnings)
    yield from check_products(draft, compiled)
    yield from check_fairness(draft, compiled)
    yield from check_providers(draft)
    if draft.workspace.contents:
        from cultiva.definitions.content_check import check_content  # Liquid takes a third of a second to come in

        yield from check_content(draft)
    yield from check_values(draft, compiled)
    if warnings:
        yield from check_usage(draft, compiled)
        yield from check_reach(draft, compiled)


def _compiled(draft: Draft, site: RuleSite, faults: list[Fault]) -> Rule | None:
    """The rule, or None after noting its faults at their places in the file."""
    if draft.mentions_broken(site.text):
        return None
    try:
        return compile_rule(site.text, site.scope, expected=site.expected)
    except RuleErrors as error:
        found = error.faults
    origin = draft.origin(*site.key)
    for fault in found:
        if fault.code.startswith("rules.unknown") and draft.names_doubtful():
            continue  # the name may be defined in a file that cannot be read
        line, column = origin.text_place(site.loc, fault.line, fault.column)
        faults.append(replace(fault, file=origin.document.file, line=line, column=column))
    return None


def _cycle_faults(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    rules = [(site, rule) for site, rule in compiled if rule is not None]
    tags = {site.name: rule.columns for site, rule in rules if site.kind == "tag" and not site.over_rows}
    segments = {site.name: rule.segments for site, rule in rules if site.kind == "segment"}
    for kind, field, uses in (("tag", "expression", tags), ("segment", "rule", segments)):
        for path in cycles(uses):
            message = f"{kind}s use each other in a circle: {' -> '.join(path)}"
            hint = "break the circle at one of them"
            yield draft.origin(kind, path[0]).fault((field,), "cycle", message, seen=path[1], hint=hint)

"""Rules that can never be true: contradictions, values that do not exist, stages behind others, empty strategies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cultiva.contracts.tables import CANONICAL
from cultiva.contracts.types import Column, DataType
from cultiva.contracts.views import VIEWS
from cultiva.definitions.alternatives import (
    Alternative,
    Known,
    TooManyAlternativesError,
    alternatives,
    combined,
    is_possible,
)
from cultiva.definitions.cycles import cycles
from cultiva.definitions.domains import Condition
from cultiva.definitions.draft import Draft
from cultiva.definitions.rulesites import RuleSite
from cultiva.definitions.scopes import STAGE_COLUMNS, extra_columns, profile_scope, trigger_scope
from cultiva.definitions.usage import Compiled
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean
from cultiva.rules import Rule, compile_rule
from cultiva.rules.nodes import Call, Literal, Name, Node, walk

EQUALITIES = ("=", "<>", "in")
"""Functions that compare with values that must exist."""


def check_values(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    """Faults of values that do not exist."""
    for site, rule in compiled:
        if rule is not None:
            yield from _value_faults(draft, site, rule)


def check_reach(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    """Warnings about events that are not declared and rules that can never be true."""
    for site, rule in compiled:
        if rule is not None:
            yield from _unknown_event(draft, site, rule)
    readings = draft.readings
    if readings.broken or readings.unreadable or any(fault for fault in readings.faults if not fault.warning):
        return
    if all(rule is not None for _, rule in compiled):
        yield from _reach_faults(draft, compiled)


def known_values(workspace: Workspace) -> dict[str, frozenset[str]]:
    """The values that text columns of the profile can have, where definitions say so."""
    stages = frozenset(stage.name for stage in workspace.lifecycle.stages)
    party = {column.name: frozenset(column.codes) for column in CANONICAL["party"].columns if column.codes}
    tags = {tag.name: party[tag.column] for tag in workspace.tags.values() if tag.column in party}
    tiers = {tiering.name: frozenset(band.name for band in tiering.bands) for tiering in workspace.value.tierings}
    return {**tags, **tiers, **dict.fromkeys(STAGE_COLUMNS, stages)}


def _row_values(workspace: Workspace, site: RuleSite) -> Known:
    """The values that text columns of a row rule's table can have."""
    if site.kind == "mapping":
        table = site.name.partition(".")[0]
        return _codes(CANONICAL[table].columns if table in CANONICAL else ())
    if site.kind == "product":  # a margin: it is over numbers only
        return {}
    view = _view_of(workspace, site)
    own = {name for table in (view, "account") for name in extra_columns(workspace, table)}
    return {name: codes for name, codes in _codes(VIEWS[view].columns).items() if name not in own}


def _codes(columns: tuple[Column, ...]) -> dict[str, frozenset[str]]:
    """Codes by column; columns of views that come from another table have that table's codes."""
    of_products = {column.name: column.codes for column in CANONICAL["product"].columns}
    found = {column.name: column.codes or of_products.get(column.name, ()) for column in columns}
    return {name: frozenset(codes) for name, codes in found.items() if codes}


def _view_of(workspace: Workspace, site: RuleSite) -> str:
    if site.kind == "tag":
        aggregate = workspace.tags[site.name].aggregate
        assert aggregate is not None, "a row rule of a tag belongs to its aggregate"
        return aggregate.table
    if site.kind == "review":
        metric = workspace.review.metrics[int(site.loc[1])]
        assert metric.aggregate is not None, "only rules of aggregates read rows"
        return metric.aggregate.table
    return workspace.value.components[int(site.loc[1])].aggregate.table


def _value_faults(draft: Draft, site: RuleSite, rule: Rule) -> Iterator[Fault]:
    """Comparisons of a column with a text that it never holds."""
    workspace = draft.workspace
    known = _row_values(workspace, site) if site.over_rows else known_values(workspace)
    told = set()
    for column, text in _texts(rule.node):
        values = known.get(column, frozenset())
        if not values or text in values or (column, text) in told or text in draft.readings.broken:
            continue
        told.add((column, text))
        yield _value_fault(draft, site, column, text, sorted(values))


def _unknown_event(draft: Draft, site: RuleSite, rule: Rule) -> Iterator[Fault]:
    """Names of events in row rules that no definition declares: allowed, but usually misspelt."""
    events = sorted(draft.workspace.events)
    if not site.over_rows or site.kind in ("mapping", "product") or _view_of(draft.workspace, site) != "event":
        return
    for column, text in _texts(rule.node):
        if column == "name" and events and not draft.is_doubtful("event", text) and text not in events:
            fault = _value_fault(draft, site, column, text, events)
            hint = fault.hint or "declare it in events.yaml"
            yield replace(fault, code="definitions.unknown_event", message=f"the event '{text}' is not declared",
                          hint=hint, warning=True)  # fmt: skip


def _value_fault(draft: Draft, site: RuleSite, column: str, text: str, values: list[str]) -> Fault:
    origin = draft.origin(*site.key)
    before = site.text[: max(site.text.find(f"'{text}'"), 0)]
    line, place = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    line, place = origin.text_place(site.loc, line, place)
    message = f"'{text}' is no value of {column}"
    hint = did_you_mean(text, values)
    return Fault(origin.document.file, line, place, "definitions.unknown_value", message, text, ", ".join(values), hint)


def _texts(node: Node) -> Iterator[tuple[str, str]]:
    for part in walk(node):
        if isinstance(part, Call) and part.function in EQUALITIES:
            names = [arg.name for arg in part.args if isinstance(arg, Name)]
            texts = [arg.value for arg in part.args if isinstance(arg, Literal) and arg.type is DataType.TEXT]
            yield from ((names[0], text) for text in texts if len(names) == 1 and isinstance(text, str))


@dataclass(frozen=True)
class _Reach:
    """What is needed to say whether a rule can be true."""

    draft: Draft
    known: Mapping[str, frozenset[str]]

    def never(self, *parts: list[Alternative]) -> bool:
        """Whether the parts can never hold together."""
        try:
            return not is_possible(combined(parts), self.known)
        except TooManyAlternativesError:
            return False


def _reach_faults(draft: Draft, compiled: Compiled) -> Iterator[Fault]:
    workspace = draft.workspace
    segments = {site.name: rule.segments for site, rule in compiled if rule is not None and site.kind == "segment"}
    if any(True for _ in cycles(segments)):
        return
    reach = _Reach(draft, known_values(workspace))
    yield from _unreachable_stages(reach, compiled)
    scope = profile_scope(workspace)
    for segment in workspace.segments.values():
        if segment.rule is not None and reach.never(_true(compile_rule(segment.rule, scope))):
            yield _never(draft, "segment", segment.name, ("rule",), f"nobody can ever be in '{segment.name}'")
    for offer in workspace.offers.values():
        if reach.never(_true(compile_rule(offer.eligible, scope))):
            yield _never(draft, "offer", offer.name, ("eligible",), f"nobody can ever be eligible for '{offer.name}'")
    for strategy in workspace.strategies.values():
        both = [_true(compile_rule(text, scope)) for text in (strategy.audience, strategy.eligible)]
        cell = [("stage", strategy.stages), ("value_tier", strategy.tiers)]
        both += [[(Condition(column, "in", names),)] for column, names in cell if names]
        if reach.never(*both):
            message = f"the strategy '{strategy.name}' can never meet anybody"
            yield _never(draft, "strategy", strategy.name, ("audience",), message)
    for trigger in workspace.triggers.values():
        if reach.never(_true(compile_rule(trigger.when, trigger_scope(workspace, trigger)))):
            yield _never(draft, "trigger", trigger.name, ("when",), f"no event can ever begin '{trigger.name}'")


def _never(draft: Draft, kind: str, name: str, loc: tuple[str, ...], message: str) -> Fault:
    hint = "look for conditions that contradict each other, for a strategy its stages and tiers too"
    return draft.origin(kind, name).fault(loc, "unreachable", message, hint=hint, warning=True)


def _true(rule: Rule) -> list[Alternative]:
    """Ways for the rule to be true; one without conditions if there are too many."""
    try:
        return alternatives(rule.node)
    except TooManyAlternativesError:
        return [()]


def _not_true(rule: Rule) -> list[Alternative]:
    try:
        return alternatives(rule.node, wanted=None)
    except TooManyAlternativesError:
        return [()]


def _unreachable_stages(reach: _Reach, compiled: Compiled) -> Iterator[Fault]:
    """Stages that nobody can be in, by their own rule or because earlier stages take everybody."""
    rules = [rule for site, rule in compiled if site.kind == "lifecycle" and rule is not None]
    stages = reach.draft.workspace.lifecycle.stages
    origin = reach.draft.origin("lifecycle", "lifecycle")
    for index, rule in enumerate(rules):
        own = _true(rule)
        loc = ("stages", index, "rule")
        if reach.never(own):
            message = f"nobody can ever be in the stage '{stages[index].name}'"
            yield origin.fault(loc, "unreachable", message, hint="its conditions contradict each other", warning=True)
            continue
        before = next((n for n in range(index) if reach.never(own, _not_true(rules[n]))), None)
        if before is not None:
            message = f"nobody can ever be in the stage '{stages[index].name}': '{stages[before].name}' is tried before"
            hint = "put the narrower stage first"
            yield origin.fault(loc, "unreachable", message, hint=hint, warning=True)

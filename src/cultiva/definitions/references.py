"""Names by which definitions refer to each other: every one must exist, and make sense where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cultiva.contracts.aggregates import AggregateFunction
from cultiva.contracts.types import DataType
from cultiva.contracts.views import VIEWS
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft
from cultiva.definitions.review import CONTRIBUTION, Review
from cultiva.definitions.scopes import HIDDEN_PREFIXES, party_columns, platform_columns
from cultiva.definitions.tags import Aggregate, Tag
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault, did_you_mean

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A `{tag}` in a strategy's reason."""


@dataclass(frozen=True)
class Reference:
    """One name that must be known."""

    kind: str
    """Kind of the definition that refers."""
    name: str
    """Its name."""
    loc: Loc
    """Where in it the reference stands."""
    target: str
    """What is referred to, in words: `offer`, `stage`, ..."""
    wanted: str
    """The name referred to."""
    known: Iterable[str]
    """The names that exist."""
    defined_in: str = ""
    """Kind of definition that defines the target, where it differs from `target`."""


def check_references(draft: Draft) -> Iterator[Fault]:
    """Faults of references between definitions."""
    for reference in _references(draft.workspace):
        known = sorted(set(reference.known))
        if reference.wanted in known or draft.is_doubtful(reference.defined_in or reference.target, reference.wanted):
            continue
        yield draft.origin(reference.kind, reference.name).fault(
            reference.loc,
            f"unknown_{reference.target.replace(' ', '_')}",
            f"unknown {reference.target} '{reference.wanted}'",
            seen=reference.wanted,
            allowed=shortened(known),
            hint=did_you_mean(reference.wanted, known),
        )
    yield from _tag_faults(draft)
    yield from _reason_faults(draft)


def shortened(known: list[str], most: int = 12) -> str:
    """Names as a fault lists them: all, or the first few and how many more."""
    more = f", and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def _references(workspace: Workspace) -> Iterator[Reference]:
    yield from _tag_references(workspace)
    yield from _value_references(workspace)
    yield from _offer_references(workspace)
    yield from _policy_references(workspace)
    yield from _review_references(workspace)
    yield from _models_references(workspace)
    yield from _arbitration_references(workspace)
    yield from _placement_references(workspace)
    yield from _portfolio_references(workspace)
    for index, group in enumerate(workspace.map.groups):
        yield Reference("map", "map", ("groups", index, "segment"), "segment", group.segment, workspace.segments)
    stages = [stage.name for stage in workspace.lifecycle.stages]
    for index, stage in enumerate(workspace.lifecycle.order):
        yield Reference("lifecycle", "lifecycle", ("order", index), "stage", stage, stages, "lifecycle")
    numeric = profile_numbers(workspace)
    for micro in workspace.micro_segmentations.values():
        if micro.segment is not None:
            yield Reference(
                "micro_segmentation", micro.name, ("segment",), "segment", micro.segment, workspace.segments
            )
        for index, tag in enumerate(micro.tags):
            known = [*workspace.tags, *platform_columns(workspace)]
            yield Reference("micro_segmentation", micro.name, ("tags", index), "tag", tag, known)
    for strategy in workspace.strategies.values():
        yield Reference(
            "strategy", strategy.name, ("objective", "metric"), "numeric tag", strategy.objective.metric, numeric, "tag"
        )


def _review_references(workspace: Workspace) -> Iterator[Reference]:
    review, columns = (
        workspace.review,
        {**{n: t.type for n, t in workspace.tags.items()}, **platform_columns(workspace)},
    )
    measured = [name for name, kind in columns.items() if kind.numeric or kind is DataType.BOOLEAN]
    texts = [name for name, kind in columns.items() if kind is DataType.TEXT]
    if review.covariate != CONTRIBUTION:
        yield Reference("review", "review", ("covariate",), "numeric tag", review.covariate, measured, "tag")
    for index, group in enumerate(review.groups):
        if group not in Review().groups:
            yield Reference("review", "review", ("groups", index), "text tag", group, texts, "tag")
    for index, metric in enumerate(review.metrics):
        loc = ("metrics", index)
        if metric.aggregate is not None:
            yield Reference("review", "review", (*loc, "aggregate", "table"), "view", metric.aggregate.table, VIEWS)
        for field, name in (("tag", metric.tag), ("covariate", metric.covariate)):
            if name is not None:
                yield Reference("review", "review", (*loc, field), "numeric tag", name, measured, "tag")


def _models_references(workspace: Workspace) -> Iterator[Reference]:
    models, columns = workspace.models, [*workspace.tags, *platform_columns(workspace)]
    for field in ("include", "exclude"):
        for index, name in enumerate(getattr(models, field)):
            yield Reference("models", "models", (field, index), "tag", name, columns)
    for kind, directions in models.monotone.items():
        for name in directions:
            yield Reference("models", "models", ("monotone", kind.value, name), "tag", name, columns)


def _arbitration_references(workspace: Workspace) -> Iterator[Reference]:
    channels = [channel.name for channel in workspace.policy.channels]
    known = {
        "strategies": ("strategy", workspace.strategies, ""),
        "offers": ("offer", [*workspace.offers, *workspace.products], ""),
        "channels": ("channel", channels, "contact_policy"),
    }
    sections = {"resources": workspace.arbitration.resources, "levers": workspace.arbitration.levers}
    for section, scopes in sections.items():
        for index, scope in enumerate(scopes):
            for field, (target, names, where) in known.items():
                for position, name in enumerate(getattr(scope, field)):
                    loc = (section, index, field, position)
                    yield Reference("arbitration", "arbitration", loc, target, name, names, where)


def _placement_references(workspace: Workspace) -> Iterator[Reference]:
    channels = [channel.name for channel in workspace.policy.channels]
    for index, one in enumerate(workspace.placements.placements):
        at = ("placements", index)
        loc = (*at, "channel")
        yield Reference("placements", "placements", loc, "channel", one.channel, channels, "contact_policy")
        for place, name in enumerate(one.strategies):
            whose = (*at, "strategies", place)
            yield Reference("placements", "placements", whose, "strategy", name, workspace.strategies)
    resources = [one.name for one in workspace.arbitration.resources]
    for index, budget in enumerate(workspace.placements.budgets):
        loc = ("budgets", index, "resource")
        yield Reference("placements", "placements", loc, "resource", budget.resource, resources, "arbitration")


def _portfolio_references(workspace: Workspace) -> Iterator[Reference]:
    if (portfolios := workspace.portfolios) is None:
        return
    numeric = [name for name, tag in workspace.tags.items() if tag.type.numeric]
    for name, bucket in portfolios.buckets.items():
        base = ("buckets", name)
        yield Reference("portfolios", "portfolios", (*base, "balance"), "numeric tag", bucket.balance, numeric, "tag")
        for index, product in enumerate(bucket.offers):
            loc = (*base, "offers", index, "offer")
            yield Reference("portfolios", "portfolios", loc, "offer", product.offer, workspace.offers)


def profile_numbers(workspace: Workspace) -> list[str]:
    """The profile's columns that are numbers."""
    tags = {name: tag.type for name, tag in workspace.tags.items()}
    return [name for name, kind in {**tags, **platform_columns(workspace)}.items() if kind.numeric]


def _tag_references(workspace: Workspace) -> Iterator[Reference]:
    party = party_columns(workspace)
    inputs = [found.name for found in workspace.sources.inputs]
    for tag in workspace.tags.values():
        if tag.column is not None:
            yield Reference("tag", tag.name, ("column",), "party column", tag.column, party, "mapping")
        if tag.aggregate is not None:
            yield Reference("tag", tag.name, ("aggregate", "table"), "view", tag.aggregate.table, VIEWS)
        if tag.external is not None:
            yield Reference("tag", tag.name, ("external", "input"), "input", tag.external.input, inputs)


def _value_references(workspace: Workspace) -> Iterator[Reference]:
    value = workspace.value
    for index, component in enumerate(value.components):
        loc: Loc = ("components", index, "aggregate", "table")
        yield Reference("value", "value", loc, "view", component.aggregate.table, VIEWS)
    for index, peer in enumerate(value.potential.peers):
        yield Reference("value", "value", ("potential", "peers", index), "tag", peer, workspace.tags)
    numeric = [name for name in profile_numbers(workspace) if name != "customer_id"]
    for index, tiering in enumerate(value.tierings):
        yield Reference("value", "value", ("tierings", index, "of"), "numeric tag", tiering.of, numeric, "tag")
    if value.lifetime is not None:
        moving = [one.name for one in value.components if one.aggregate.table == "transaction"]
        for index, name in enumerate(value.lifetime.purchases):
            loc = ("lifetime", "purchases", index)
            yield Reference("value", "value", loc, "component over transaction", name, moving, "value")
        if (group := value.lifetime.group_by) is not None:
            loc, columns = ("lifetime", "group_by"), party_columns(workspace)
            yield Reference("value", "value", loc, "party column", group, columns, "mapping")


def _offer_references(workspace: Workspace) -> Iterator[Reference]:
    channels = [channel.name for channel in workspace.policy.channels]
    stages = [stage.name for stage in workspace.lifecycle.stages]
    tiers = [b.name for tiering in workspace.value.tierings if tiering.name == "value_tier" for b in tiering.bands]
    for offer in workspace.offers.values():
        for index, channel in enumerate(offer.channels):
            yield Reference("offer", offer.name, ("channels", index), "channel", channel, channels, "contact_policy")
    for product in workspace.products.values():
        for index, channel in enumerate(product.channels):
            loc = ("channels", index)
            yield Reference("product", product.name, loc, "channel", channel, channels, "contact_policy")
        for index, benefit in enumerate(product.benefits):
            yield Reference("product", product.name, ("benefits", index), "offer", benefit, workspace.offers)
    for strategy in workspace.strategies.values():
        lists = (
            ("offers", strategy.offers, "offer", [*workspace.offers, *workspace.products], ""),
            ("channels", strategy.channels, "channel", channels, "contact_policy"),
            ("stages", strategy.stages, "stage", stages, "lifecycle"),
            ("tiers", strategy.tiers, "value tier", tiers, "value"),
        )
        for field, names, target, known, where in lists:
            for index, name in enumerate(names):
                yield Reference("strategy", strategy.name, (field, index), target, name, known, where)


def _policy_references(workspace: Workspace) -> Iterator[Reference]:
    channels = [channel.name for channel in workspace.policy.channels]
    for index, cap in enumerate(workspace.policy.caps):
        if cap.channel is not None:
            loc = ("caps", index, "channel")
            yield Reference("contact_policy", "contact_policy", loc, "channel", cap.channel, channels)
    party = [*party_columns(workspace), "source_system", "source_id"]
    for index, rule in enumerate(workspace.identity.rules):
        for position, column in enumerate(rule.on):
            yield Reference("identity", "identity", ("rules", index, "on", position), "party column", column, party)
    for index, column in enumerate(workspace.identity.conflicts):
        yield Reference("identity", "identity", ("conflicts", index), "party column", column, party)


def _tag_faults(draft: Draft) -> Iterator[Fault]:
    """Tags whose name or type does not fit."""
    workspace = draft.workspace
    platform, party = platform_columns(workspace), party_columns(workspace)
    for tag in workspace.tags.values():
        origin = draft.origin("tag", tag.name)
        if tag.name in platform or tag.name.startswith(HIDDEN_PREFIXES):
            allowed = "a name that the platform does not make itself"
            message = f"'{tag.name}' is a column that the platform makes"
            yield origin.fault(
                ("name",), "reserved_name", message, seen=tag.name, allowed=allowed, hint="rename the tag"
            )
        made = _made_type(tag, party)
        if made is not None and not _fits(made, tag.type):
            message = f"the tag is declared as {tag.type.value} but is made as {made.value}"
            yield origin.fault(("type",), "tag_type", message, seen=tag.type.value, allowed=made.value)
        if tag.aggregate is not None and (problem := _aggregate_problem(tag.aggregate, tag.type)):
            allowed = "a numeric value; average gives number or money"
            yield origin.fault(("type",), "tag_type", problem, seen=tag.type.value, allowed=allowed)


def _made_type(tag: Tag, party: Mapping[str, DataType]) -> DataType | None:
    """The type that a tag has by the way it is made, where that is known without its rules."""
    if tag.column is not None:
        return party.get(tag.column)
    if tag.score is not None:
        return DataType.NUMBER
    if tag.aggregate and tag.aggregate.function in (AggregateFunction.COUNT, AggregateFunction.COUNT_DISTINCT):
        return DataType.INTEGER
    return None


def _fits(made: DataType, declared: DataType) -> bool:
    return made is declared or {made, declared} <= {DataType.NUMBER, DataType.MONEY}


def _aggregate_problem(aggregate: Aggregate, declared: DataType) -> str:
    if aggregate.function is AggregateFunction.SUM and not declared.numeric:
        return f"a sum cannot be {declared.value}"
    if aggregate.function is AggregateFunction.AVERAGE and declared not in (DataType.NUMBER, DataType.MONEY):
        return f"an average cannot be {declared.value}"
    return ""


def _reason_faults(draft: Draft) -> Iterator[Fault]:
    workspace = draft.workspace
    known = sorted({*workspace.tags, *platform_columns(workspace)})
    for strategy in workspace.strategies.values():
        for found in PLACEHOLDER.finditer(strategy.reason):
            name = found[1].strip()
            if name in known or draft.is_doubtful("tag", name):
                continue
            origin = draft.origin("strategy", strategy.name)
            before = strategy.reason[: found.start(1)]
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            line, column = origin.text_place(("reason",), line, column)
            message = f"unknown tag '{name}' in the reason"
            hint = did_you_mean(name, known)
            file = origin.document.file
            yield Fault(file, line, column, "definitions.unknown_tag", message, name, shortened(known), hint)

"""Tags of one customer in groups, each with what it means, where it comes from and how fresh it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cultiva.console.named import masked
from cultiva.contracts.sight import Sight
from cultiva.contracts.types import DataType
from cultiva.definitions.portfolios import GAP_COLUMNS, MODEL_COLUMN
from cultiva.definitions.workspace import Workspace
from cultiva.insight.groups.vocabulary import vocabulary
from cultiva.kit.words import Words, say
from cultiva.loop.customers import profile_of
from cultiva.loop.parts import Parts
from cultiva.loop.shows import read

ORDER = ("holding", "transaction", "event", "contact", "survey_answer", "party", "value", "other")
"""Groups in the order shown, by where tags come from."""


@dataclass(frozen=True)
class ShownTag:
    """A tag as a page shows it."""

    name: str
    label: str
    type: str
    value: Any
    description: str
    how: str
    """How it is computed, in the words of its definition."""
    owner: str
    fresh_on: date | None
    coverage: float
    personal: bool
    unit: str


def tag_groups(
    parts: Parts, customer_id: int, on: date, *, sight: Sight, text: str = ""
) -> list[tuple[str, list[ShownTag]]]:
    """A customer's tags by where they come from; with a text those whose name, label or description has it."""
    workspace = parts.workspace
    known = {row["tag"]: row for row in read(parts, "catalogue", on).to_dicts()}
    groups: dict[str, list[ShownTag]] = {name: [] for name in ORDER}
    for one in profile_of(parts, customer_id, on, sight=sight):
        tag, row = workspace.tags.get(one.name), known[one.name]
        shown = ShownTag(
            name=one.name,
            label=one.label or label_of_column(workspace, one.name),
            type=one.type,
            value=masked(one.name, one.value, personal=one.personal, may_see=sight.personal),
            description=described(workspace, one.name),
            how=computed(workspace, one.name),
            owner=row["owner"],
            fresh_on=row["fresh_on"],
            coverage=row["coverage"],
            personal=one.personal,
            unit=tag.unit if tag is not None and tag.type is not DataType.MONEY else "",
        )
        if text.casefold() in f"{shown.name} {shown.label} {shown.description}".casefold():
            groups[_group(row)].append(shown)
    return [(name, tags) for name, tags in groups.items() if tags]


def label_of_column(workspace: Workspace, name: str) -> str:
    """What people call a column of the profile that is no tag: parts of value, tiers, stages, gaps."""
    language = workspace.settings.language
    if name == MODEL_COLUMN:
        return say(Words("模型组合", "Model portfolio"), language)
    bucket = next((one for one, column in GAP_COLUMNS.items() if column == name), None)
    if bucket is not None and workspace.portfolios is not None:
        of = say(dict(workspace.portfolios.buckets.items())[bucket].label, language)
        return say(Words(f"{of}缺口", f"Gap: {of}"), language)
    return say(vocabulary(workspace).tag(name), language)


def described(workspace: Workspace, name: str) -> str:
    """What a column of the profile means, as its definition says."""
    tag, language = workspace.tags.get(name), workspace.settings.language
    if tag is not None:
        return say(tag.description, language)
    component = next((one for one in workspace.value.components if f"value_{one.name}" == name), None)
    return say(component.description, language) if component is not None else ""


def computed(workspace: Workspace, name: str) -> str:
    """How a column of the profile is computed, as its definition says; empty: by the platform's own models."""
    tag = workspace.tags.get(name)
    if tag is None:
        component = next((one for one in workspace.value.components if f"value_{one.name}" == name), None)
        return "" if component is None else " ".join(_aggregated(component.aggregate))
    if tag.aggregate is not None:
        return " ".join(_aggregated(tag.aggregate))
    if tag.external is not None:
        return f"{tag.external.input}.{tag.external.column}"
    if tag.score is not None:
        return f"score of {tag.score.model}"
    return " ".join((tag.expression or f"party.{tag.column}").split())


def _aggregated(one: Any) -> Iterator[str]:
    value = " ".join(one.value.split()) if one.value else ""
    yield f"{one.function.value}({value}) of {one.table}"
    if one.where:
        yield f"where {' '.join(one.where.split())}"
    if one.window_days:
        yield f"in {one.window_days} days"


def _group(row: Mapping[str, Any]) -> str:
    if row["origin"] in ("value", "tier", "assets", "lifecycle"):
        return "value"
    tables = str(row["tables"] or "").replace(",", " ").split()
    found = next((name for name in ORDER if name in tables), None)
    return found or ("party" if row["origin"] == "column" or "customer" in tables else "other")

"""What people call the columns of the profile and their values, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cultiva.contracts.types import DataType
from cultiva.definitions.base import Label
from cultiva.definitions.portfolios import GAP_COLUMNS, MODEL_COLUMN

if TYPE_CHECKING:
    from cultiva.definitions.workspace import Workspace

VALUE_TAGS: dict[str, Label] = {
    "current_value": Label(zh="当前价值", en="Current value"),
    "potential_value": Label(zh="潜在价值", en="Potential value"),
    "relationship_value": Label(zh="关系价值", en="Relationship value"),
    "activity_value": Label(zh="活跃价值", en="Activity value"),
    "comprehensive_value": Label(zh="综合价值", en="Comprehensive value"),
}
"""The tags of the value model, in the order in which they are computed."""
STAGE_TAGS: dict[str, Label] = {
    "stage": Label(zh="生命周期阶段", en="Lifecycle stage"),
    "previous_stage": Label(zh="上期生命周期阶段", en="Lifecycle stage at the last run"),
}
"""The tags of the lifecycle."""
CODES: dict[str, dict[str, Label]] = {
    "party_type": {"person": Label(zh="个人", en="Person"), "organisation": Label(zh="机构", en="Organisation")},
    "gender": {
        "female": Label(zh="女", en="Female"),
        "male": Label(zh="男", en="Male"),
        "other": Label(zh="其他", en="Other"),
    },
}
"""Codes of canonical columns that a bank's tags pass on as they are."""


@dataclass(frozen=True)
class Vocabulary:
    """Labels of tags and of their values."""

    tags: Mapping[str, Label]
    """Tag -> label."""
    values: Mapping[tuple[str, str], Label] = field(default_factory=dict)
    """(tag, value) -> label, for tiers, stages and codes."""
    money: frozenset[str] = frozenset()
    """Tags that are amounts of money."""

    def tag(self, name: str) -> Label:
        """The tag's label; its name where it has none."""
        return self.tags.get(name, Label(zh=name, en=name))

    def value(self, tag: str, value: str) -> Label:
        """The label of one of the tag's values; the value itself where it has none."""
        return self.values.get((tag, value), Label(zh=value, en=value))


def vocabulary(workspace: Workspace) -> Vocabulary:
    """The words of a workspace."""
    tags = {name: tag.label for name, tag in workspace.tags.items()} | VALUE_TAGS | STAGE_TAGS
    tags |= {f"value_{component.name}": component.label for component in workspace.value.components}
    gaps = _gaps(workspace)
    tags |= gaps
    values = {(column, code): label for column, codes in CODES.items() for code, label in codes.items()}
    for tiering in workspace.value.tierings:
        tags[tiering.name] = tiering.label
        values |= {(tiering.name, band.name): band.label for band in tiering.bands}
    for stage in workspace.lifecycle.stages:
        values |= {(column, stage.name): stage.label for column in STAGE_TAGS}
    money = {name for name, tag in workspace.tags.items() if tag.type is DataType.MONEY}
    money |= {
        *VALUE_TAGS,
        *(gaps.keys() - {MODEL_COLUMN}),
        *(f"value_{component.name}" for component in workspace.value.components),
    }
    return Vocabulary(tags=tags, values=values, money=frozenset(money))


def _gaps(workspace: Workspace) -> dict[str, Label]:
    """The columns of the model portfolios, where there are any."""
    if workspace.portfolios is None:
        return {}
    gaps = {
        GAP_COLUMNS[name]: Label(zh=f"{bucket.label.zh}缺口", en=f"Gap in {bucket.label.en.lower()}")
        for name, bucket in workspace.portfolios.buckets.items()
    }
    return gaps | {MODEL_COLUMN: Label(zh="模型组合", en="Model portfolio")}

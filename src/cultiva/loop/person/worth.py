"""What a customer is worth, split until every part is a figure of the value model; the parts add up to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from cultiva.definitions.workspace import Workspace
from cultiva.kit.words import Bilingual, Words

CENT = Decimal("0.01")
PARTS: Mapping[str, Words] = {
    "current": Words("当前价值（近12个月贡献）", "Current value (contribution, 12 months)"),
    "potential": Words("潜在价值", "Potential value"),
    "relationship": Words("关系价值", "Relationship value"),
    "activity": Words("活跃价值", "Activity value"),
}
"""Parts of comprehensive value, in the order shown."""


@dataclass(frozen=True)
class WorthLine:
    """One part of a sum."""

    name: str
    label: Bilingual
    description: Bilingual | str
    amount: Decimal | None
    """Money a year; None: not known."""
    weight: float = 1.0
    """By which it counts in the sum."""

    @property
    def counted(self) -> Decimal:
        """What it adds to the sum, to the cent."""
        if self.amount is None:
            return Decimal(0)
        return (self.amount * Decimal(str(self.weight))).quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Worth:
    """A customer's value and its parts."""

    components: tuple[WorthLine, ...]
    """Their sum is current value."""
    parts: tuple[WorthLine, ...]
    """Weighted, their sum is comprehensive value."""
    current: Decimal | None
    comprehensive: Decimal | None
    lifetime: Decimal | None
    """Expected discounted contribution; None: not modelled."""

    @property
    def rounding(self) -> Decimal:
        """What rounding each weighted part leaves between their sum and comprehensive value; a few cents at most."""
        return (self.comprehensive or Decimal(0)) - sum((one.counted for one in self.parts), Decimal(0))


def worth_of(profile: Mapping[str, Any], workspace: Workspace) -> Worth:
    """The parts of a customer's value.

    Args:
        profile: The customer's row.
        workspace: Its value model names the parts.
    """
    value = workspace.value
    components = tuple(
        WorthLine(one.name, one.label, one.description, _money(profile.get(f"value_{one.name}")))
        for one in value.components
    )
    parts = tuple(
        WorthLine(name, label, "", _money(profile.get(f"{name}_value")), getattr(value.weights, name))
        for name, label in PARTS.items()
        if f"{name}_value" in profile
    )
    names = ("current_value", "comprehensive_value", "lifetime_value")
    return Worth(components, parts, *(_money(profile.get(name)) for name in names))


def _money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))

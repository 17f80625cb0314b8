"""What was done and spent: plain counts of those who could be touched, by strategy, by offer and by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cultiva.definitions.review import CONTRIBUTION
from cultiva.engine.port import Engine, Files
from cultiva.review.design import TREATED, ReviewDesign

if TYPE_CHECKING:
    import ibis

SEPARATOR = "|"
"""Between the values of a cell, as in the plan."""


@dataclass(frozen=True)
class Counts:
    """Sums over the customers of some part of a strategy."""

    customers: int = 0
    """Who could be touched."""
    control: int = 0
    """Who was left alone."""
    touched: float = 0.0
    """Who had at least one contact that took place."""
    contacts: float = 0.0
    """Contacts that took place."""
    taken: float = 0.0
    """Who took something up after it."""
    cost: float = 0.0
    """Money spent on those who could be touched."""
    gross: float = 0.0
    """What those who could be touched brought in, effect or not."""
    days: float = 0.0
    """Days of results, over all customers of both sides."""

    @property
    def everyone(self) -> int:
        """Both sides."""
        return self.customers + self.control

    @property
    def days_mean(self) -> float:
        """Mean days of results per customer."""
        return self.days / self.everyone if self.everyone else 0.0

    @property
    def cost_mean(self) -> float:
        """Cost per customer who could be touched."""
        return self.cost / self.customers if self.customers else 0.0

    @property
    def contacts_mean(self) -> float:
        """Contacts per customer who could be touched; 1 where there were none."""
        return self.contacts / self.customers if self.contacts else 1.0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


Part = tuple[str, str, str]
"""(strategy, offer, cell); '' stands for all."""


def count(engine: Engine, panel: Files, design: ReviewDesign) -> Mapping[Part, Counts]:
    """Counts of every strategy as a whole, by offer, and by cell.

    Args:
        engine: Reads the panel once.
        panel: The analysis table.
        design: Its groups make the cells.
    """
    table = engine.scan(panel)
    parts = table.mutate(offer_name=table.offer.fill_null(""), cell=_cell(table, design))
    treated = parts.arm == TREATED
    sums = parts.group_by("strategy", "offer_name", "cell").aggregate(
        customers=parts.count(where=treated),
        control=parts.count(where=~treated),
        touched=parts.y_touched.sum(where=treated),
        contacts=parts.y_touches.sum(where=treated),
        taken=parts.y_taken.sum(where=treated),
        cost=parts.y_cost.sum(where=treated),
        gross=parts[f"y_{CONTRIBUTION}"].sum(where=treated),
        days=parts.y_days.sum(),
    )
    found: dict[Part, Counts] = {}
    for row in engine.fetch(sums.order_by("strategy", "offer_name", "cell")).to_pylist():
        strategy, offer, cell = row.pop("strategy"), row.pop("offer_name"), row.pop("cell")
        one = Counts(**{name: value or 0 for name, value in row.items()})
        for part in dict.fromkeys(((strategy, "", ""), (strategy, offer, ""), (strategy, "", cell))):
            found[part] = found.get(part, Counts()).plus(one)
    return found


def _cell(table: ibis.Table, design: ReviewDesign) -> ibis.Value:
    import ibis

    cell = ibis.literal("")
    for number, name in enumerate(design.groups):
        value = table[f"group_{name}"].fill_null("")
        cell = value if number == 0 else cell + ibis.literal(SEPARATOR) + value
    return cell

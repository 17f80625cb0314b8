"""A compiled rule: what it reads, and how to apply it to a table, to one customer, or to explain it."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from cultiva.contracts.types import DataType
from cultiva.rules.closures import Closure, make_closure
from cultiva.rules.explain import Explanation, explain_node
from cultiva.rules.nodes import Node, columns
from cultiva.rules.sets import RuleForm

EventFunction = Literal["event_count", "event_sum", "days_since_event"]
"""Names of the windowed event functions."""


@dataclass(frozen=True)
class Rule:
    """A checked rule."""

    text: str
    """As written."""
    node: Node
    """Its tree."""
    segments: frozenset[str]
    """Segments it refers to, directly or through others."""
    events: tuple[EventWindow, ...]
    """Event windows it needs, in order of first use."""

    @property
    def type(self) -> DataType:
        """Type of the result."""
        assert self.node.type is not None
        return self.node.type

    @property
    def columns(self) -> frozenset[str]:
        """Columns it reads, also the hidden ones of event windows and list segments."""
        return columns(self.node)

    def form(self, today: date) -> RuleForm:
        """The rule for whole tables (`engine.port.Form`) on a business date."""
        return RuleForm(self.node, today)

    def closure(self, today: date) -> Closure:
        """The rule for one row on a business date: true, false or null, or a value.

        A row gives every column of `columns` its value: bool, int, float (money may be Decimal), str, date, datetime,
        list of str, None for null.
        """
        return make_closure(self.node, today)

    def test(self, today: date) -> Closure:
        """Whether the rule is true for one row: False also for null; faster than `closure`."""
        return make_closure(self.node, today, test=True)

    def explain(self, row: Mapping[str, Any], today: date, *, personal: Collection[str] = frozenset()) -> Explanation:
        """Why the rule gives what it gives for one row, clause by clause; values of `personal` columns not shown."""
        return explain_node(self.node, row, today, personal=personal)


@dataclass(frozen=True)
class EventWindow:
    """A windowed event function: a tag without a name, a hidden column of the profile.

    The column holds, over the customer's events of that name for which the condition is true: for event_count how
    many in the last `days` days, for event_sum the sum of the property, for days_since_event the day of the last one
    (the rule itself counts the days from it). The last `days` days end with the business date, which is included.
    """

    column: str
    """Hidden column, `ev_` and a hash of what it means."""
    function: EventFunction
    """Which function."""
    event: str
    """Name of the event."""
    property: str | None
    """The summed property, for event_sum."""
    days: int | None
    """Length of the window; None for days_since_event."""
    condition: Rule | None
    """Condition over the event's properties and `channel`; None: all."""
    text: str
    """As written, in canonical spelling."""

    @builtins.property
    def type(self) -> DataType:
        """Type of the hidden column: integer for event_count, number for event_sum, date for days_since_event."""
        return _EVENT_TYPES[self.function]


_EVENT_TYPES: dict[str, DataType] = {
    "event_count": DataType.INTEGER,
    "event_sum": DataType.NUMBER,
    "days_since_event": DataType.DATE,
}

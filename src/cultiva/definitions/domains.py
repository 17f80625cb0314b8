"""Which values of a column a set of simple conditions leaves; none left means that they contradict each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in",
            "null": "not null", "not null": "null"}  # fmt: skip
"""What holds where a condition is false."""
MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
"""The same condition with its sides exchanged."""
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, bound: value == bound,
    "<>": lambda value, bound: value != bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "in": lambda value, bounds: value in bounds,
    "not in": lambda value, bounds: value not in bounds,
}


@dataclass(frozen=True)
class Condition:
    """One column against one written value, or several."""

    column: str
    """The column."""
    operator: str
    """A key of OPPOSITE."""
    value: Any = None
    """The value, or a tuple of values for in and not in."""
    null_passes: bool = False
    """Whether null satisfies it too: it does where a condition must merely not be true."""
    whole: bool = False
    """Whether the column holds whole numbers only."""

    def negated(self, *, null_passes: bool) -> Condition:
        """The condition that holds where this one is false; with `null_passes`, where this one is not true."""
        about_null = self.operator in ("null", "not null")
        passes = null_passes and not about_null
        return Condition(self.column, OPPOSITE[self.operator], self.value, passes, self.whole)


@dataclass
class _Range:
    """What comparisons leave of an ordered column."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False
    excluded: set[Any] = field(default_factory=set)

    def raise_low(self, value: Any, is_open: bool) -> None:
        if self.low is None or value > self.low or (value == self.low and is_open):
            self.low, self.low_open = value, is_open

    def lower_high(self, value: Any, is_open: bool) -> None:
        if self.high is None or value < self.high or (value == self.high and is_open):
            self.high, self.high_open = value, is_open

    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        if self.low != self.high:
            return bool(self.low > self.high)
        return self.low_open or self.high_open or self.low in self.excluded


def is_satisfiable(conditions: Sequence[Condition], values: Collection[Any] | None = None) -> bool:
    """Whether some value of one column, or null, satisfies all conditions.

    Args:
        conditions: Conditions on the same column.
        values: All values that the column can have, where that is known.

    Examples:
        >>> is_satisfiable([Condition("age", ">", 60), Condition("age", "<", 18)])
        False
        >>> is_satisfiable([Condition("age", ">", 17, whole=True), Condition("age", "<", 18, whole=True)])
        False
    """
    if all(condition.operator == "null" or condition.null_passes for condition in conditions):
        return True
    conditions = [condition for condition in conditions if condition.operator != "not null"]
    if any(condition.operator == "null" for condition in conditions):
        return False
    finite = [condition.value for condition in conditions if condition.operator == "in"]
    finite += [(condition.value,) for condition in conditions if condition.operator == "="]
    if values is not None or finite:
        left = set(values) if values is not None else set(finite[0])
        return any(all(_HOLDS[one.operator](value, one.value) for one in conditions) for value in left)
    return not _range(conditions).is_empty()


def _range(conditions: Sequence[Condition]) -> _Range:
    found = _Range()
    for condition in conditions:
        value, operator = condition.value, condition.operator
        if operator == "<>":
            found.excluded.add(value)
        elif operator == "not in":
            found.excluded.update(value)
        elif operator in (">", ">="):
            low, is_open = _whole_low(value, operator == ">") if condition.whole else (value, operator == ">")
            found.raise_low(low, is_open)
        else:
            high, is_open = _whole_high(value, operator == "<") if condition.whole else (value, operator == "<")
            found.lower_high(high, is_open)
    return found


def _whole_low(value: float, is_open: bool) -> tuple[int, bool]:
    return (math.floor(value) + 1 if is_open else math.ceil(value)), False


def _whole_high(value: float, is_open: bool) -> tuple[int, bool]:
    return (math.ceil(value) - 1 if is_open else math.floor(value)), False

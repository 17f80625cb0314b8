"""How rows become one value per customer; the same list for definitions and engines."""

from __future__ import annotations

from enum import StrEnum


class AggregateFunction(StrEnum):
    """How rows become one value per customer."""

    COUNT = "count"
    """Number of rows; 0 if there are none."""
    SUM = "sum"
    """Sum of the value; 0 if there are no rows."""
    MIN = "min"
    """Smallest value; null if there are no rows."""
    MAX = "max"
    """Largest value; null if there are no rows."""
    AVERAGE = "average"
    """Sum divided by count of the non-null values; null if there are none."""
    COUNT_DISTINCT = "count_distinct"
    """Number of different non-null values; 0 if there are none."""
    LATEST = "latest"
    """Value of the last row by time that has one; ties give the largest value."""

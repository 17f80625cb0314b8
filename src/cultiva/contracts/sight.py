"""Sight: which customers somebody may see, and whether personal data are shown to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SMALL = 5
"""Who sees numbers but no customers is not told a number below this one: it would speak of single people."""


def few(number: int) -> str:
    """A number of customers for those who see none of them: a few are not told.

    Examples:
        >>> few(0), few(4), few(1234)
        ('0', '<5', '1,234')
    """
    return f"<{SMALL}" if 0 < number < SMALL else f"{number:,}"


@dataclass(frozen=True)
class Sight:
    """Whom somebody sees. The columns are those of the resolved party record and of every table made from it."""

    whole_bank: bool = False
    """Every customer; the rest says nothing then."""
    branches: frozenset[str] = frozenset()
    """Customers of these branches."""
    advisers: frozenset[str] = frozenset()
    """Customers of these advisers."""
    personal: bool = False
    """Whether personal data are shown; else they are masked."""
    totals: bool = False
    """Who sees no customer may still count over the whole bank; numbers below `SMALL` are not told."""

    def sees(self, row: Mapping[str, Any]) -> bool:
        """Whether a customer's row is seen, by its `branch_id` and `adviser_id`; who is nobody's is seen by no one.

        Examples:
            >>> mine = Sight(advisers=frozenset({"a1"}))
            >>> mine.sees({"branch_id": "b1", "adviser_id": "a1"}), mine.sees({"branch_id": "b1", "adviser_id": None})
            (True, False)
        """
        return self.whole_bank or row.get("branch_id") in self.branches or row.get("adviser_id") in self.advisers

    @property
    def nobody(self) -> bool:
        """Whether no customer at all is seen."""
        return not (self.whole_bank or self.branches or self.advisers)


EVERYBODY = Sight(whole_bank=True)
"""The whole bank, personal data masked."""
NOBODY = Sight()
"""No customer."""


def sight_over(branches: Iterable[str], advisers: Iterable[str], *, personal: bool) -> Sight:
    """The sight over some branches and advisers; over the whole bank where none of either is named.

    Examples:
        >>> sight_over([], [], personal=False) == EVERYBODY
        True
    """
    some = Sight(branches=frozenset(branches), advisers=frozenset(advisers), personal=personal)
    return Sight(whole_bank=True, personal=personal) if some.nobody else some

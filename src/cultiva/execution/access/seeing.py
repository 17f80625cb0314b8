"""Seeing: whom a user sees, by their roles, their branches and the tree of regions."""

from __future__ import annotations

from collections.abc import Mapping

from cultiva.contracts.sight import Sight
from cultiva.execution.access.entering.users import User
from cultiva.execution.access.roles import BY_ADVISER, BY_BRANCH, WHOLE_BANK, Role

BY_NUMBERS = frozenset({Role.APPROVER, Role.EXECUTIVE})
"""Roles that see no customer and work with numbers over the whole bank; small ones are not told."""


def sight_of(user: User, branches_of_region: Mapping[str, str]) -> Sight:
    """Whom a user sees; personal data are masked until they are unmasked one by one.

    Args:
        user: Who looks.
        branches_of_region: Branch -> its region code; codes are a tree: one that begins with another lies below it.

    Examples:
        >>> from cultiva.execution.access.roles import Role
        >>> head = User("u1", "li", "Li", frozenset({Role.BRANCH_MANAGER}), branches=frozenset({"b9"}), region="33")
        >>> sorted(sight_of(head, {"b1": "3301", "b2": "3101"}).branches)
        ['b1', 'b9']
    """
    if user.roles & WHOLE_BANK:
        return Sight(whole_bank=True)
    branches: frozenset[str] = frozenset()
    if user.roles & BY_BRANCH:
        below = {one for one, code in branches_of_region.items() if user.region and code.startswith(user.region)}
        branches = user.branches | below
    mine = frozenset({user.staff_id}) if user.staff_id and user.roles & BY_ADVISER else frozenset()
    return Sight(branches=branches, advisers=mine, totals=bool(user.roles & BY_NUMBERS))

"""Places of the console, as its side bar shows them to whoever may go there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cultiva.execution.access.roles import Right


@dataclass(frozen=True)
class Place:
    """One entry of the side bar."""

    name: str
    """English; the catalogue has the other language."""
    path: str
    icon: str
    """Name in icons.svg."""
    right: Right
    here: bool = False
    """Whether the visitor is there."""


PLACES = (
    Place("Cockpit", "/", "home", Right.ENTER),
    Place("My work", "/work", "checklist", Right.WORK),
    Place("Customers", "/customers", "users", Right.CUSTOMERS),
    Place("Groups", "/groups", "filter", Right.GROUPS),
    Place("Strategy map", "/map", "map", Right.STRATEGIES),
    Place("Approvals", "/approvals", "gavel", Right.APPROVE),
    Place("Campaigns", "/campaigns", "send", Right.CAMPAIGNS),
    Place("Review", "/review", "scale", Right.REVIEW),
    Place("Scarce resources", "/resources", "coins", Right.REVIEW),
    Place("Operations", "/admin", "activity", Right.OPERATE),
    Place("Users", "/admin/users", "key", Right.USERS),
    Place("Erasures", "/admin/erasures", "users", Right.ERASE),
    Place("Legal holds", "/admin/holds", "gavel", Right.HOLD),
    Place("Audit", "/admin/audit", "list", Right.AUDIT),
)


def places(rights: Collection[Right], path: str) -> tuple[Place, ...]:
    """The entries for somebody with these rights; the one they are in is marked.

    Examples:
        >>> [place.name for place in places({Right.ENTER, Right.CUSTOMERS}, "/customers/7") if place.here]
        ['Customers']
    """
    mine = [place for place in PLACES if place.right in rights]
    fitting = [
        place for place in mine if path == place.path or (place.path != "/" and path.startswith(f"{place.path}/"))
    ]
    here = max(fitting, key=lambda place: len(place.path), default=None)
    return tuple(Place(one.name, one.path, one.icon, one.right, here=one is here) for one in mine)

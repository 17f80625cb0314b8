"""The customer whom an address means, and what stands on top of each of their pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from cultiva.console.desk import ConsoleDesk
from cultiva.console.named import branch_names, masked, staff_names
from cultiva.console.visitor import Visitor
from cultiva.contracts.sight import Sight
from cultiva.loop.customers import PERSONAL_FACTS, Card, card, unmasking_of
from cultiva.loop.lineage import customer_meant
from cultiva.loop.parts import Parts
from cultiva.loop.shows import labels

TABS = (
    ("", "Overview"),
    ("holdings", "Holdings and gaps"),
    ("tags", "Tags"),
    ("people", "People around"),
    ("timeline", "Timeline"),
    ("decisions", "Decisions"),
    ("contact", "Contact"),
)
"""Pages of a customer: end of the address, English name."""


@dataclass(frozen=True)
class Whom:
    """A customer in sight of whoever looks."""

    customer_id: int
    on: date
    """Business date of the newest run."""
    parts: Parts
    """In the language of whoever looks."""
    sight: Sight
    """Theirs of this customer."""
    notes: tuple[str, ...]
    """What has become of the id that was given."""

    @property
    def path(self) -> str:
        """Where the customer's pages begin."""
        return f"/customers/{self.customer_id}"


def whom(desk: ConsoleDesk, who: Visitor, name: str) -> Whom:
    """The customer whom a name in an address means.

    Args:
        desk: Of the console.
        who: Who looks.
        name: A customer id, or SYSTEM:ID.

    Raises:
        CultivaError: not found, for who does not exist and for who is out of sight alike.
    """
    on, parts = desk.day(), desk.told(who.language)
    meant = customer_meant(parts, name, on, sight=who.sight)
    return Whom(meant.customer_id, on, parts, who.seeing(meant.customer_id), meant.notes)


def head(desk: ConsoleDesk, who: Visitor, one: Whom, tab: str) -> dict[str, Any]:
    """What every page of a customer says on top.

    Args:
        desk: Of the console.
        who: Who looks.
        one: At whom.
        tab: Which page.
    """
    found = card(one.parts, one.customer_id, one.on, sight=one.sight)
    unmask = None
    if who.may("unmask") and not one.sight.personal:
        unmask = unmasking_of(one.parts).left(who.user.user_id, desk.now())
    return {
        "one": one,
        "card": found,
        "facts": facts_of(found, one.sight),
        "labels": labels(one.parts),
        "branches": branch_names(desk, one.on),
        "staff": staff_names(desk, one.on),
        "tabs": [(f"{one.path}/{end}" if end else one.path, name, end == tab) for end, name in TABS],
        "unmask_left": unmask,
    }


def facts_of(found: Card, sight: Sight) -> dict[str, Any]:
    """The facts of a party record as they may be seen."""
    return {
        name: masked(name, value, personal=name in PERSONAL_FACTS, may_see=sight.personal)
        for name, value in found.facts.items()
    }

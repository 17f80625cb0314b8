"""Permission and room: which channels a customer has opened, and how many touches are already used.

Both are one row per customer with a column per channel, so that a candidate reads them like any other fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from cultiva.definitions.policy import Cap, Consent, ContactPolicy
from cultiva.definitions.workspace import Workspace

if TYPE_CHECKING:
    import ibis

HOME = "household_key"
"""Column of the desk: the customer's household; whoever is in none is one alone, named by the customer id."""


def permissions(consent: ibis.Table, policy: ContactPolicy) -> ibis.Table:
    """The last word per customer and channel; where several records of one person differ, a refusal wins.

    Args:
        consent: Columns customer_id, purpose, channel, granted.
        policy: Names the purpose and the channels.

    Returns:
        customer_id and, per channel, `consent_<channel>`: true, false, or null where nothing is recorded.
    """
    import ibis

    asked = consent.filter(consent.purpose == policy.consent.purpose)
    spoken = asked.granted.cast("int8")
    columns = {
        f"consent_{channel.name}": ibis.cases((asked.channel == channel.name, spoken), else_=ibis.null("int8")).min()
        for channel in policy.channels
    }
    table = asked.group_by("customer_id").aggregate(**columns)
    return table.select("customer_id", **{name: table[name] == 1 for name in columns})


def permitted(recorded: ibis.Value, consent: Consent) -> ibis.Value:
    """Whether a channel is open: a recorded refusal closes it, silence closes it where consent is required."""
    import ibis

    return recorded.fill_null(ibis.literal(not consent.required))


def touches_used(touches: ibis.Table, workspace: Workspace, on: date) -> ibis.Table:
    """How much of every cap a customer has used up by the business date, that day not included.

    Args:
        touches: Columns customer_id, touched_on (date), channel, offer; one row per touch that counts.
        workspace: Its contact policy has the caps.
        on: Business date.

    Returns:
        customer_id and per cap one integer column for each thing that it counts of customers, see `Counter`.
    """
    alone = [counter for counter in counters(workspace) if not counter.of_household]
    return touches.group_by("customer_id").aggregate(**_counted_touches(touches, alone, on))


def household_touches_used(touches: ibis.Table, homes: ibis.Table, workspace: Workspace, on: date) -> ibis.Table:
    """How much of the caps of households is used up, likewise.

    Args:
        touches: As above.
        homes: customer_id and `HOME`, from `homes_of`; touches of others do not take part.
        workspace: Its contact policy has the caps.
        on: Business date.

    Returns:
        `HOME` and per cap one integer column.
    """
    together = [counter for counter in counters(workspace) if counter.of_household]
    theirs = touches.inner_join(homes, "customer_id")
    return theirs.group_by(HOME).aggregate(**_counted_touches(theirs, together, on))


def homes_of(profile: ibis.Table, household: ibis.Table) -> ibis.Table:
    """customer_id and `HOME` of every customer of the profile.

    Args:
        profile: One row per customer.
        household: customer_id and household_id of those who live with others.
    """
    both = profile.select("customer_id").left_join(household.select("customer_id", "household_id"), "customer_id")
    return both.select("customer_id", **{HOME: both.household_id.fill_null(both.customer_id)})


def _counted_touches(touches: ibis.Table, asked: Sequence[Counter], on: date) -> dict[str, ibis.Value]:
    aggregates = {}
    for counter in asked:
        recent = (touches.touched_on > on - timedelta(days=counter.cap.days)) & (touches.touched_on < on)
        mine = recent if counter.value is None else recent & (touches[counter.cap.scope] == counter.value)
        aggregates[counter.column] = touches.customer_id.count(where=mine)
    return aggregates


@dataclass(frozen=True)
class Counter:
    """One thing that a cap counts for a customer or household."""

    cap: Cap
    """The cap."""
    value: str | None
    """The channel or offer counted; None: every touch."""
    column: str
    """Column of the desk that holds the count."""

    @property
    def of_household(self) -> bool:
        """Whether touches of the whole household count."""
        return self.cap.scope == "household"


def counters(workspace: Workspace) -> list[Counter]:
    """Everything that the policy's caps count."""
    return [
        Counter(cap, value, f"used_{index}" if value is None else f"used_{index}_{value}")
        for index, cap in enumerate(workspace.policy.caps)
        for value in _counted(cap, workspace)
    ]


def _counted(cap: Cap, workspace: Workspace) -> list[str | None]:
    if cap.scope == "channel":
        named = [cap.channel] if cap.channel else [one.name for one in workspace.policy.channels if one.touch]
        return list(named)
    if cap.scope == "offer":
        return list(workspace.offers)
    return [None]

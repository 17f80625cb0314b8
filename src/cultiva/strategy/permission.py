"""Permission and room: which channels a customer has opened, and how many touches are already used.

Both are one row per customer with a column per channel, so that a candidate reads them like any other fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from cultiva.definitions.policy import Cap, Consent, ContactPolicy
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    import ibis


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
        customer_id and per cap one integer column for each thing that it counts, see `Counter`.
    """
    aggregates = {}
    for counter in counters(workspace):
        recent = (touches.touched_on > on - timedelta(days=counter.cap.days)) & (touches.touched_on < on)
        mine = recent if counter.value is None else recent & (touches[counter.cap.scope] == counter.value)
        aggregates[counter.column] = touches.customer_id.count(where=mine)
    return touches.group_by("customer_id").aggregate(**aggregates)


@dataclass(frozen=True)
class Counter:
    """One thing that a cap counts for a customer."""

    cap: Cap
    """The cap."""
    value: str | None
    """The channel or offer counted; None: every touch."""
    column: str
    """Column of the desk that holds the count."""


def counters(workspace: Workspace) -> list[Counter]:
    """Everything that the policy's caps count.

    Raises:
        CultivaError: if a cap counts households, which are not known before the relationship graph.
    """
    return [
        Counter(cap, value, f"used_{index}" if value is None else f"used_{index}_{value}")
        for index, cap in enumerate(workspace.policy.caps)
        for value in _counted(cap, workspace)
    ]


def _counted(cap: Cap, workspace: Workspace) -> list[str | None]:
    if cap.scope == "customer":
        return [None]
    if cap.scope == "channel":
        named = [cap.channel] if cap.channel else [one.name for one in workspace.policy.channels if one.touch]
        return list(named)
    if cap.scope == "offer":
        return list(workspace.offers)
    raise CultivaError(
        "a contact cap counts something that is not known yet",
        code="strategy.cap_scope",
        seen=cap.scope,
        allowed="customer, channel, offer",
        hint="remove the cap from contact_policy.yaml until households are derived from relationships",
    )

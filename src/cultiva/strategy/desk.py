"""The desk: one row per customer with everything a candidate is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from cultiva.definitions.workspace import Workspace
from cultiva.strategy.permission import counters, permissions, permitted, touches_used

if TYPE_CHECKING:
    import ibis

PARTY_FACTS = ("risk_rating", "risk_rated_on", "birth_date", "branch_id", "adviser_id")
"""Columns of the resolved customer that decisions need whatever tags a workspace has."""


@dataclass(frozen=True)
class Papers:
    """The tables from which the desk is laid out."""

    profile: ibis.Table
    """One row per customer with all tags."""
    customer: ibis.Table
    """One row per customer with the resolved party record."""
    consent: ibis.Table
    """customer_id, purpose, channel, granted."""
    touches: ibis.Table
    """customer_id, touched_on, channel, strategy, offer: touches that count, from whatever source."""


def lay_out(papers: Papers, workspace: Workspace, on: date) -> ibis.Table:
    """Joins the papers to one row per customer.

    Returns:
        The profile's columns; `party_<fact>` for each of `PARTY_FACTS`; per channel `permitted_<channel>` and
        `room_<channel>` (caps on all touches and on this channel); `room_offer_<offer>` where a cap counts it;
        `touches_used`; the counters of the caps.
    """
    import ibis

    facts = papers.customer.select("customer_id", **{f"party_{name}": papers.customer[name] for name in PARTY_FACTS})
    desk = papers.profile.left_join(facts, "customer_id").drop("customer_id_right")
    desk = _joined(desk, permissions(papers.consent, workspace.policy))
    desk = _joined(desk, touches_used(papers.touches, workspace, on))
    zero = ibis.literal(0, "int64")
    counted = {counter.column: desk[counter.column].fill_null(zero) for counter in counters(workspace)}
    desk = desk.mutate(**counted)
    channels = workspace.policy.channels
    return desk.mutate(
        touches_used=_most_used(desk, workspace),
        **{
            f"permitted_{one.name}": permitted(desk[f"consent_{one.name}"], workspace.policy.consent)
            for one in channels
        },
        **{f"room_{one.name}": _room(desk, one.name, workspace) for one in channels},
        **_rooms_of_offers(desk, workspace),
    )


def _joined(left: ibis.Table, right: ibis.Table) -> ibis.Table:
    """Left join on customer_id that keeps one copy of the key."""
    return left.left_join(right, "customer_id").drop("customer_id_right")


def _most_used(desk: ibis.Table, workspace: Workspace) -> ibis.Value:
    """Touches in the longest window that counts all touches; what `capped` shows."""
    import ibis

    overall = [counter for counter in counters(workspace) if counter.value is None]
    if not overall:
        return ibis.literal(0, "int64")
    longest = max(overall, key=lambda counter: counter.cap.days)
    return desk[longest.column]


def _room(desk: ibis.Table, channel: str, workspace: Workspace) -> ibis.Value:
    """Whether no cap on all touches or on this channel is used up."""
    import ibis

    free = [
        desk[counter.column] < counter.cap.contacts_max
        for counter in counters(workspace)
        if counter.value is None or (counter.cap.scope == "channel" and counter.value == channel)
    ]
    return reduce(and_, free) if free else ibis.literal(True)


def _rooms_of_offers(desk: ibis.Table, workspace: Workspace) -> dict[str, ibis.Value]:
    """Per offer that a cap counts, whether the cap leaves room for it."""
    rooms: dict[str, ibis.Value] = {}
    for counter in counters(workspace):
        if counter.cap.scope == "offer":
            column, free = f"room_offer_{counter.value}", desk[counter.column] < counter.cap.contacts_max
            rooms[column] = rooms[column] & free if column in rooms else free
    return rooms

"""The desk: one row per customer with everything a candidate is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from cultiva.definitions.workspace import Workspace
from cultiva.strategy.permission import (
    HOME,
    counters,
    homes_of,
    household_touches_used,
    permissions,
    permitted,
    touches_used,
)

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
    household: ibis.Table
    """customer_id, household_id: those who live with other customers."""


def lay_out(papers: Papers, workspace: Workspace, on: date) -> ibis.Table:
    """Joins the papers to one row per customer.

    Returns:
        The profile's columns; `party_<fact>` for each of `PARTY_FACTS`; per channel `permitted_<channel>` and
        `room_<channel>` (caps on all touches and on this channel); `room_offer_<offer>` where a cap counts it;
        `touches_used`; the counters of the caps; `permission.HOME` where a cap counts households.
    """
    import ibis

    facts = papers.customer.select("customer_id", **{f"party_{name}": papers.customer[name] for name in PARTY_FACTS})
    desk = papers.profile.left_join(facts, "customer_id").drop("customer_id_right")
    desk = _joined(desk, permissions(papers.consent, workspace.policy))
    desk = _joined(desk, touches_used(papers.touches, workspace, on))
    if any(counter.of_household for counter in counters(workspace)):
        homes = homes_of(papers.profile, papers.household)
        desk = _joined(desk, homes)
        desk = _joined(desk, household_touches_used(papers.touches, homes, workspace, on), HOME)
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


def _joined(left: ibis.Table, right: ibis.Table, key: str = "customer_id") -> ibis.Table:
    """Left join that keeps one copy of the key."""
    return left.left_join(right, key).drop(f"{key}_right")


def _most_used(desk: ibis.Table, workspace: Workspace) -> ibis.Value:
    """What `capped` shows: the household's touches where its cap is full, else those in the longest window of all."""
    import ibis

    overall = [counter for counter in counters(workspace) if counter.value is None and not counter.of_household]
    longest = max(overall, key=lambda counter: counter.cap.days, default=None)
    alone = ibis.literal(0, "int64") if longest is None else desk[longest.column]
    full = [
        (desk[counter.column] >= counter.cap.contacts_max, desk[counter.column])
        for counter in counters(workspace)
        if counter.of_household
    ]
    return ibis.cases(*full, else_=alone) if full else alone


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

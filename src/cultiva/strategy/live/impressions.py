"""Impressions: what a slot may show again, and when; they follow rules of their own and use no contact cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cultiva.definitions.placements import Placement
from cultiva.strategy.live.candidates import Candidate

SHOWN, CLICKED, DISMISSED, CONVERTED = "shown", "clicked", "dismissed", "converted"
KINDS = (SHOWN, CLICKED, DISMISSED, CONVERTED)
"""What can be reported of a proposal."""


@dataclass(frozen=True, slots=True)
class Impression:
    """What was reported of a proposal in a slot."""

    placement: str
    strategy: str
    offer: str
    kind: str
    at: datetime


def barred(placement: Placement, seen: Sequence[Impression], one: Candidate, at: datetime) -> str | None:
    """Why a candidate may not be shown now: the rule's name; None: it may.

    Args:
        placement: The slot.
        seen: What was reported of the customer, of any slot.
        one: The candidate.
        at: The present instant.
    """
    for past in seen:
        age = at - past.at
        if past.kind == DISMISSED and past.strategy == one.strategy:
            resting = age < timedelta(days=placement.rest_days_dismissed)
        else:
            resting = past.kind == CONVERTED and past.offer == one.offer
            resting = resting and age < timedelta(days=placement.rest_days_converted)
        if resting:
            return past.kind
    here = [past for past in seen if past.kind == SHOWN and past.placement == placement.name]
    for rule in placement.frequency:
        since = at - timedelta(hours=rule.hours)
        mine = sum(1 for past in here if past.at > since and _same(rule.per, past, one))
        if mine >= rule.impressions_max:
            return f"{rule.per}_frequency"
    return None


def longest(placements: Sequence[Placement]) -> timedelta:
    """How far back impressions matter."""
    found = [timedelta(days=1)]
    for one in placements:
        found += [timedelta(hours=rule.hours) for rule in one.frequency]
        found.append(timedelta(days=max(one.rest_days_dismissed, one.rest_days_converted)))
    return max(found)


def _same(per: str, past: Impression, one: Candidate) -> bool:
    if per == "offer":
        return past.offer == one.offer
    return per == "placement" or past.strategy == one.strategy

"""The nouns of this instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple


class Seen(NamedTuple):
    """What was reported of a proposal in a slot."""

    placement: str
    strategy: str
    offer: str
    kind: str
    """shown, clicked, dismissed or converted."""
    at: datetime


class Reported(NamedTuple):
    """A report about a proposal of a live decision."""

    decision_id: str
    customer_id: int
    placement: str
    strategy: str
    offer: str
    kind: str
    at: datetime


class Happened(NamedTuple):
    """A touch that was made, or is held."""

    customer_id: int
    strategy: str
    offer: str
    channel: str
    day: date
    planned: bool
    """Whether a launch made it; else a live decision."""
    exempt: bool
    """Whether no cap counts it."""


@dataclass(frozen=True)
class Day:
    """What has happened to all customers since a day."""

    touches: list[Happened]
    refused: list[tuple[int, str]]
    """(customer, channel or `*`): the newest word of it, and of all channels, is a refusal."""
    standing: list[int]
    """Customers of whom a suppression has begun and was not lifted."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What has been said and done since the last run."""

    words: dict[str, tuple[bool, datetime]]
    """Channel, or `*` for every one -> the newest word of consent, and when."""
    standing: tuple[str, ...]
    """Suppressions that have begun and were not lifted."""
    touches: list[tuple[date, str, str]]
    """(day, channel, offer) of touches that take room, from a day on."""
    home: list[tuple[date, str, str]]
    """Those of the others of the household."""
    seen: list[Seen]
    """What was reported of slots lately."""
    fed: list[tuple[str, str, str]]
    """(placement, strategy, offer or empty) that triggers want to have shown now."""

"""What is asked of a live decision, and what is answered; as they stand in requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

BATCH_MAX = 200
"""Most customers in one request."""


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A decision is asked for: for a slot, or over a channel."""

    customer: int
    """The customer's number."""
    placement: str = ""
    """Name of a slot; or"""
    channel: str = ""
    """name of a channel."""
    n: int | None = None
    """Most proposals; left out: as many as the slot has places, one over a channel."""
    reasons: Literal["", "zh", "en"] = ""
    """Language in which every candidate's fate is told; empty: it is not."""
    context: dict[str, Any] = {}
    """What the caller knows of the moment; kept with the decision."""


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """Several at once."""

    asked: list[Asked]


class Proposal(msgspec.Struct, omit_defaults=True):
    """What is proposed."""

    strategy: str
    offer: str
    channel: str
    worth: float
    """What it is expected to bring after its cost, in money."""
    worth_by: str
    """`prior`, `learnt`, or the name of a model."""
    charge: float = 0.0
    """What it costs of scarce resources at this moment's prices, in money."""
    touch_id: str = ""
    """Of the touch that is held for whoever asked; confirm it when it is done, or give it back."""
    held_until: datetime | None = None
    """When it runs out."""
    cost: float = 0.0
    """What it is expected to cost, in money; of a slot it is given back with the report that it was shown."""


class Reason(msgspec.Struct):
    """Why a candidate was chosen or lost."""

    strategy: str
    offer: str
    fate: str
    text: str


class Answer(msgspec.Struct, omit_defaults=True):
    """The answer."""

    decision_id: str
    customer: int
    proposals: list[Proposal]
    neutral: bool = False
    """Nobody could say: show what is shown to everybody."""
    content: str = ""
    """What the slot shows then."""
    degraded: list[str] = []
    """What the answer had to do without."""
    reasons: list[Reason] | None = None


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """What became of a proposal."""

    decision: str
    customer: int
    strategy: str
    offer: str
    kind: Literal["shown", "clicked", "dismissed", "converted", "done", "given_back"]
    """Of a slot: shown, clicked, dismissed, converted. Of a touch: done, or given back."""
    placement: str = ""
    touch_id: str = ""
    cost: float = 0.0
    """Of what was shown: its `cost`, as answered; what budgets that count money are charged, once."""


class Reports(msgspec.Struct, forbid_unknown_fields=True):
    """Several at once."""

    reports: list[Report]

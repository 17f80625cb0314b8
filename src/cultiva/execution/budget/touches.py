"""Touches: what is asked of the contact budget, what it holds, and what it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cultiva.definitions.policy import Cap
from cultiva.kit.errors import CultivaError


class TouchState(StrEnum):
    """What has become of a touch."""

    RESERVED = "reserved"
    """Room is kept for it until it is sent, given back or runs out."""
    CONFIRMED = "confirmed"
    """It was about to be sent; it counts for good."""
    RELEASED = "released"
    """Given back: it was not sent."""
    EXPIRED = "expired"
    """Its reservation ran out."""
    OUTBID = "outbid"
    """A more valuable touch has taken its room."""


class Refusal(StrEnum):
    """Why there is no room."""

    CAPPED = "capped"
    """Confirmed touches have used the cap up."""
    OUTBID = "outbid"
    """What is left of the cap is held by touches that are worth more."""
    EXPIRED = "expired"
    """The reservation has run out, or the request came too late."""
    RELEASED = "released"
    """It was given back before."""
    UNKNOWN = "unknown"
    """No such touch was ever reserved."""


@dataclass(frozen=True)
class TouchRequest:
    """A touch for which room is asked."""

    touch_id: str
    """The same for the same touch, however often it is asked for."""
    customer_id: int
    """Who is touched."""
    household_id: int | None
    """The customer's household; None: none is known, the customer is one alone."""
    channel: str
    """Name of the channel."""
    offer: str
    """Name of the offer; empty: none, counts against no cap of offers."""
    strategy: str
    """Name of the strategy."""
    launch_id: str
    """The launch; empty: none, e.g. a live decision."""
    step: str
    """Step of the play."""
    worth: float
    """Money; where a cap binds, more worth goes first."""
    counts_on: date
    """The customer's local day on which it counts."""
    exempt: bool = False
    """Service: always granted, counts against no cap."""
    expires: datetime | None = None
    """When the reservation runs out; None: never."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.worth):
            raise CultivaError(
                "the worth of a touch is no number",
                code="budget.bad_worth",
                seen=self.worth,
                allowed="a finite amount of money",
                hint="give touches without a worth 0",
            )

    @property
    def home(self) -> int:
        """The household, or the customer where none is known."""
        return self.customer_id if self.household_id is None else self.household_id


@dataclass(frozen=True)
class Touch:
    """A touch in the budget."""

    request: TouchRequest
    """What it is; its day is the one on which it counts now."""
    state: TouchState
    """What has become of it."""

    def is_live(self, at: datetime) -> bool:
        """Whether it takes room: confirmed, or reserved and not run out."""
        return self.state is TouchState.CONFIRMED or (self.state is TouchState.RESERVED and not self.is_over(at))

    def is_over(self, at: datetime) -> bool:
        """Whether its reservation has run out."""
        return self.request.expires is not None and self.request.expires <= at


@dataclass(frozen=True)
class Verdict:
    """The answer for one touch."""

    touch_id: str
    """Of the touch."""
    refusal: Refusal | None = None
    """Why not; None: granted."""
    cap: Cap | None = None
    """The cap that binds, for CAPPED and OUTBID of a request."""

    @property
    def granted(self) -> bool:
        """Whether it may go on."""
        return self.refusal is None

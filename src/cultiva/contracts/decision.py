"""Decision: strategy to execution. What is proposed to whom, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

GLOBAL_HOLDOUT = "holdout:global"
"""The draw by which the bank-wide control group is left alone; whoever draws less than its share is in it."""
HEALTH_SLICES = "health"
"""The draw that puts customers into the slices of the standing health experiments."""


def holdout_draw(experiment: str) -> str:
    """The draw by which an experiment leaves customers alone: that of a strategy, or of `offer_experiment`.

    Examples:
        >>> holdout_draw(offer_experiment("welcome"))
        'holdout:offer:welcome'
    """
    return f"holdout:{experiment}"


def ramp_draw(strategy: str) -> str:
    """The draw by which a strategy on a ramp begins with some of its customers; also who holds the others out.

    Examples:
        >>> ramp_draw("welcome")
        'ramp:welcome'
    """
    return f"ramp:{strategy}"


def offer_experiment(offer: str) -> str:
    """The experiment of an offer that has a holdout of its own.

    Examples:
        >>> offer_experiment("welcome")
        'offer:welcome'
    """
    return f"offer:{offer}"


class Fate(StrEnum):
    """What became of a candidate; the first reason that applies, in this order."""

    CHOSEN = "chosen"
    """Proposed."""
    HELD_OUT_GLOBAL = "held_out_global"
    """In the bank-wide control group."""
    HELD_OUT = "held_out"
    """In the control group of the strategy, or of the offer."""
    SUPPRESSED = "suppressed"
    """A suppression of the contact policy applies, or could not be ruled out."""
    NOT_ELIGIBLE = "not_eligible"
    """The strategy's or the offer's own condition does not hold."""
    NOT_APPLICABLE = "not_applicable"
    """Eligible, but the offer is of no use to the customer now."""
    UNSUITABLE = "unsuitable"
    """Risk level above the valid rating, rating expired, or above the age limit."""
    NO_CONSENT = "no_consent"
    """No channel of the strategy with permission."""
    CAPPED = "capped"
    """A contact cap binds."""
    NO_GAIN = "no_gain"
    """It is not expected to bring what it costs."""
    OUTBID = "outbid"
    """Another candidate of the same customer is worth more, and there is no room for both."""
    NO_CAPACITY = "no_capacity"
    """A resource is worth more elsewhere: an adviser's or branch's hands, a strategy's capacity, a volume, a budget."""


@dataclass(frozen=True)
class Decision:
    """One candidate's fate on one business date."""

    customer_id: int
    """Who."""
    strategy: str
    """Why: the strategy's name."""
    offer: str
    """What."""
    channel: str | None
    """How; None where no channel was open."""
    business_date: date
    """When it was decided."""
    rank_value: float | None
    """The number by which it was ranked; where effects rank, its worth as levers move it."""
    effect: float | None
    """Money that an exposure is expected to bring beyond what would have come anyway, before cost."""
    cost: float | None
    """Money that it is expected to cost."""
    worth: float | None
    """Effect less cost."""
    worth_by: str | None
    """Where the effect comes from: `prior`, `learnt`, or the name of a model."""
    fate: Fate
    """Chosen, or the one reason it lost."""
    decided_by: str | None
    """The name that decided: a suppression, a winning strategy, a channel, for a holdout the strategy or
    `offer:<name>`; None where a number alone decided."""
    decided_value: float | None
    """The number that decided: the draw, the rank of the winner, the touches already used, the place in the queue."""
    branch_id: str | None
    """Branch whose list it goes to."""
    adviser_id: str | None
    """Adviser whose list it goes to."""
    exposed: bool
    """Whether the customer's part in the experiment begins or goes on here: chosen, or held out though it would
    have been chosen but for the holdout (same rules, same competition, same capacity)."""
    ranked_by: str
    """The slice of the health experiments: effect, rules, propensity or random."""
    assigned_share: float
    """Probability with which this offer was drawn among the strategy's open offers; 1 where nothing was drawn."""

"""The nouns of a bank that lives on: what changes about its customers, what reaches them, and what happened in a week.

Everything is columns; `n` customers are rows 0 to n-1 of the bank's population, products and channels are codes of
`archetypes.PRODUCTS` and `archetypes.CHANNELS`, offers are positions in an `OfferBook`. Days are numbers of the bank's
calendar (day 0 is the first of the history), money is in yuan unless a name ends in `_cents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cultiva.simbank.arrays import Flags, Floats, Ints


@dataclass(frozen=True)
class OfferTerms:
    """What the bank proposes, as far as customers care."""

    name: str
    """The offer's name in the workspace."""
    kind: str
    """product, benefit, content or service."""
    category: str | None
    """For products: the product category that it sells."""
    unit_cost: float
    """Cost to the bank of giving it once."""
    rate: float = 0.0
    """For products: how much better than the list the customer's yearly rate is; 0.002 is two tenths of a per cent."""


OfferBook = Sequence[OfferTerms]
"""The offers of a workspace in a fixed order; touches name them by position."""


@dataclass(frozen=True)
class ChannelTerms:
    """A way in which the bank reaches customers."""

    name: str
    """Its name in the workspace: app, sms, wecom, phone, branch, ..."""
    human: bool
    """Whether a person has to do it, and may choose not to."""
    unit_cost: float
    """Cost of one touch."""


@dataclass(frozen=True)
class Touches:
    """What the bank's execution is asked to carry out in a week; one row per proposal."""

    customer: Ints
    """Who."""
    strategy: Ints
    """Position in the caller's list of strategies."""
    offer: Ints
    """Position in the offer book."""
    channel: Ints
    """Position in the caller's list of channels."""
    day: Ints
    """The day on which it is due."""

    def __len__(self) -> int:
        return int(self.customer.size)


@dataclass
class State:
    """What changes about the customers; `advance` makes a new one, it never changes this one."""

    day: int
    """The last day that has been lived."""
    balance: Floats
    """Shape (n, products); what is owed on loans is positive; 0 where nothing is held."""
    opened: Ints
    """Shape (n, products): day of opening, or NEVER."""
    closed: Ints
    """Shape (n, products): day of closing, or NEVER."""
    left: Ints
    """Day on which the customer left the bank, or NEVER."""
    mood: Floats
    """What was lived through lately, about -1 to 1; it fades to 0."""
    fatigue: Floats
    """Touches felt lately, exponentially faded."""
    consent: Flags
    """Shape (n, channels of the caller): whether marketing may use it."""
    complaint: Ints
    """Day since which a complaint is open, or NEVER."""
    warmth: Floats
    """Shape (n, offers): what is left of the effect of touches, on the scale of log odds."""
    drift: Floats
    """Share of the balance that moves in (positive) or out per week beyond what is usual."""
    coming: Floats
    """Shape (n, offers): effect of touches that has not arrived yet, on the scale of log odds."""
    activity: Floats
    """Movements and app use relative to what is usual for the customer; 1 is usual."""
    push: Floats
    """Share of a month's income that comes in per week beyond what is usual, from benefits; it fades to 0."""


@dataclass(frozen=True)
class Happened:
    """What one week brought, for the files that the bank's systems deliver."""

    before: State
    """Where the week began."""
    after: State
    """Where it ended."""
    contacts: Contacts
    """What became of the touches."""
    conversions: Conversions
    """Offers taken up, with and without a touch."""
    flows: Flows
    """Money that moved."""
    contribution: Floats
    """Shape (n,): true contribution of every customer in the week, costs of touches and offers not deducted."""


@dataclass(frozen=True)
class Flows:
    """Money that moved in a week, in yuan; every account balances.

    The current account (product 0): after = before + income - spending + outside + interest[0] + moved[0], where
    moved[0] is what came back from other products or was lent, less what went into them or was repaid.
    Every other product j: after = before + moved[j] + fresh[j] + interest[j].
    """

    income: Floats
    """Shape (n,): salary, pension, takings that were paid in the week; 0 in the other weeks of the month."""
    spending: Floats
    """Shape (n,): what went out for everyday life."""
    outside: Floats
    """Shape (n,): net transfers from (positive) or to other banks over the current account."""
    fresh: Floats
    """Shape (n, products): net transfers from or to other banks that went directly into or out of a product."""
    moved: Floats
    """Shape (n, products): net own money moved into a product; for loans what was lent less what was repaid."""
    interest: Floats
    """Shape (n, products): interest and gains credited."""
    movements: Floats
    """Shape (n,): expected number of own movements in the week; fees and servicing costs follow from it."""


@dataclass(frozen=True)
class Contacts:
    """What became of touches; rows as in `Touches`."""

    touches: Touches
    status: Ints
    """Code of CONTACT_STATUS."""
    second: Ints
    """Second of the day."""


CONTACT_STATUS = ("delivered", "failed", "not_done", "refused")
"""Reached; not reached (no answer, bounce); left undone by the person; reached and turned down."""


@dataclass(frozen=True)
class Conversions:
    """Offers that customers took up."""

    customer: Ints
    offer: Ints
    day: Ints
    second: Ints
    amount: Floats
    """Money that moved into the product, or was borrowed; 0 for what has no amount."""
    fee: Floats
    """Upfront fee or commission that the bank books for it."""
    product: Ints
    """Code of the product that was opened or added to; NONE for benefits, content and services. `offer` is NONE where
    a customer took a product up that no offer of the book sells."""

"""What the bank's own systems know of its customers beside their state: account numbers, books, open complaints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cultiva.simbank.arrays import NONE, Flags, Ints
from cultiva.simbank.bookings import Books
from cultiva.simbank.living import State
from cultiva.simbank.population import Population

NEW_ACCOUNTS_FROM = 5_000_000_000
"""Numbers of accounts opened after the history begin here; those of the history are far below."""


@dataclass(frozen=True)
class Standing:
    """Columns over the bank's customers."""

    people: Population
    registered: Flags
    """Whether the core system knows the customer."""
    number: Ints
    """Shape (n, products): number of the account, or NONE."""
    books: Books
    complaints: Ints
    """Complaints that are open."""
    accounts: int
    """Accounts opened since the history."""

    def __len__(self) -> int:
        return len(self.people)


def numbered_accounts(standing: Standing, before: State, after: State) -> tuple[Ints, Flags, int]:
    """Gives numbers to accounts opened in a week.

    Returns:
        Account numbers, shape (n, products); where a new one was given; how many there have been since the history.
    """
    new = (after.opened != before.opened) & (after.opened > before.day) & (after.opened <= after.day)
    number = standing.number.copy()
    count = int(new.sum())
    number[new] = NEW_ACCOUNTS_FROM + standing.accounts + np.arange(count)
    return number, new, standing.accounts + count


def open_accounts_of(state: State) -> Flags:
    """Accounts that are open at the end of the state's day, shape (n, products)."""
    held: Flags = (state.opened <= state.day) & (state.closed > state.day)
    return held


def current_account(standing_number: Ints, customers: Ints) -> Ints:
    """Number of the current account of each customer, NONE for NONE."""
    return np.where(customers == NONE, NONE, standing_number[customers, 0])

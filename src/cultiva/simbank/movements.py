"""Movements on the accounts of one chunk, and the balances that are their running sums."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, INCOMING, INVESTMENTS, KINDS, LOANS, PRODUCT_CODE, PRODUCTS, Life
from cultiva.simbank.arrays import NONE, SECONDS_PER_DAY, Flags, Floats, Ints, lognormal, pick_by_group
from cultiva.simbank.free_days import paid_instead
from cultiva.simbank.holdings import CENTS, Accounts
from cultiva.simbank.population import Bank, Population

KIND = {kind: code for code, kind in enumerate(KINDS)}
OWN_SHARE = 0.92
"""Share of all movements that customers make; the others are counter-entries, openings and closings."""
REGULAR_SHARE, BILL_SHARE = 0.35, 0.15
"""Most of a customer's movements that are monthly income and monthly bills."""
PAY_DAYS = (5, 10, 15, 25)
DAILY_BALANCES_DAYS = 35
"""Days at the end of the history with a balance for every day with a movement; before, one per month."""
OPENING_SECOND, CLOSING_SECOND = 7 * 3600, 23 * 3600
_IS_LOAN = np.array([product.product_id in LOANS for product in PRODUCTS])
_IS_CARD = np.array([product.category == "card" for product in PRODUCTS])
_INCOMING = np.array([kind in INCOMING for kind in KINDS])
_FIXED_SIZE = np.array([kind in ("fee", "interest", "loan_payment", "salary", "pension") for kind in KINDS])
_TYPICAL = {"fee": 6.0, "interest": 9.0}
_RELATIVE = {"card_payment": 0.02, "transfer_out": 0.10, "transfer_in": 0.4, "cash_in": 0.20, "cash_out": 0.12,
             "utility": 0.03, "insurance_premium": 0.05, "investment_buy": 0.5, "investment_sell": 0.6,
             "merchant_income": 0.06, "payroll_out": 0.8}  # fmt: skip
"""Typical size of one movement as a share of a month's income."""


@dataclass(frozen=True)
class Movements:
    """Movements of one chunk as columns, sorted by account and time."""

    account: Ints
    day: Ints
    second: Ints
    cents: Ints
    kind: Ints

    def __len__(self) -> int:
        return int(self.account.size)

    def take(self, rows: Ints | Flags) -> Movements:
        """Some of the rows."""
        return Movements(*(getattr(self, column.name)[rows] for column in fields(self)))

    def sorted(self) -> Movements:
        """By account and time; ties keep their order."""
        moment = (self.day + SECONDS_PER_DAY) * SECONDS_PER_DAY + self.second  # never negative
        return self.take(np.argsort(self.account * 2**36 + moment, kind="stable"))

    @staticmethod
    def together(parts: list[Movements]) -> Movements:
        """One after the other."""
        names = [column.name for column in fields(Movements)]
        return Movements(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Balances:
    """Balances of one chunk as columns."""

    account: Ints
    day: Ints
    cents: Ints


@dataclass(frozen=True)
class Draft:
    """A customer's own movements before they are booked to accounts."""

    customer: Ints
    place: Ints
    """Position among the customer's movements: 0, 1, ..."""
    kind: Ints
    day: Ints


def make_movements(
    rng: np.random.Generator, bank: Bank, people: Population, accounts: Accounts
) -> tuple[Movements, Balances]:
    """Draws what the customers do and books it; balances start high enough never to fall below zero."""
    draft = _draft(rng, bank, people, accounts)
    own = _book(rng, people, accounts, draft)
    booked = Movements.together([own, *_counter_entries(accounts, draft, own)]).sorted()
    start = _starts(accounts, booked)
    opening = _openings(accounts, start, bank.calendar.last)
    closing = _closings(accounts, start, booked, bank.calendar.last)
    movements = Movements.together([opening, booked, closing]).sorted()
    return movements, _balances(bank, accounts, start, movements)


def _draft(rng: np.random.Generator, bank: Bank, people: Population, accounts: Accounts) -> Draft:
    counts = _counts(rng, bank, people)
    customer = np.repeat(np.arange(len(people)), counts)
    place = np.arange(customer.size) - np.repeat(np.cumsum(counts) - counts, counts)
    shares = np.array([[kind.kinds.get(name, 0.0) for name in KINDS] for kind in ARCHETYPES])
    kind = pick_by_group(rng, shares, people.archetype[customer])
    begins = np.maximum(people.opened, 0)
    span = np.maximum(people.active_until - begins + 1, 1)
    draw = rng.random(customer.size)
    fades = people.life[customer] == Life.AT_RISK
    draw = np.where(fades, draw**1.7, draw)
    day = begins[customer] + (draw * span[customer]).astype(np.int64)
    _make_regular(rng, bank, people, accounts, counts, Draft(customer, place, kind, day))
    return Draft(customer, place, kind, day)


def _counts(rng: np.random.Generator, bank: Bank, people: Population) -> Ints:
    """Movements per customer: the bank's average, divided by activity and time with the bank."""
    begins = np.maximum(people.opened, 0)
    days = np.clip(people.active_until - begins + 1, 0, None) * people.in_core
    activity = np.array([kind.activity for kind in ARCHETYPES])[people.archetype]
    weight = activity * np.sqrt(days / (bank.calendar.last + 1))
    mean = bank.transactions_per_customer * OWN_SHARE * len(people) * weight / max(weight.sum(), 1e-9)
    return rng.poisson(mean).astype(np.int64)


def _make_regular(
    rng: np.random.Generator, bank: Bank, people: Population, accounts: Accounts, counts: Ints, draft: Draft
) -> None:
    """Turns a customer's first movements into monthly income and bills, newest month first; changes the draft."""
    starts = bank.calendar.month_starts(beyond=1)  # early in a month, an income may come at the end of the one before
    pay_day = np.array(PAY_DAYS)[rng.integers(0, len(PAY_DAYS), len(people))]
    # whoever works for the same employer is paid on the same day
    pay_day = np.where(people.employer == NONE, pay_day, np.array(PAY_DAYS)[people.employer % len(PAY_DAYS)])
    begins = np.maximum(people.opened, 0)
    paid = paid_instead(bank.calendar.first, starts[None, :] + np.array(PAY_DAYS)[:, None] - 1)
    paid = paid[np.searchsorted(PAY_DAYS, pay_day)]  # shape (n, months): the day on which each month's income comes
    newest = (paid <= people.active_until[:, None]).sum(axis=1) - 1
    oldest = (paid < begins[:, None]).sum(axis=1)
    months = np.clip(newest - oldest + 1, 0, None)
    regular = np.minimum(months, (counts * REGULAR_SHARE).astype(np.int64))
    bills = np.minimum(months, (counts * BILL_SHARE).astype(np.int64))
    kinds = np.array([KIND[kind.regular_kind] for kind in ARCHETYPES])[people.archetype]
    bill_kind = _bill_kinds(accounts)
    who, place = draft.customer, draft.place
    for first, length, codes, shift in (
        (np.zeros_like(regular), regular, kinds, 0),
        (regular, bills, bill_kind, -2),
    ):
        rows = np.flatnonzero((place >= first[who]) & (place < (first + length)[who]))
        owner = who[rows]
        month = newest[owner] - (place[rows] - first[owner])
        draft.kind[rows] = codes[owner]
        draft.day[rows] = np.maximum(paid[owner, month] + shift, begins[owner])


def _bill_kinds(accounts: Accounts) -> Ints:
    """A loan is paid before a premium, a premium before the electricity."""
    insured = accounts.of[:, PRODUCT_CODE["P_INSURANCE"]] != NONE
    indebted = np.any([accounts.of[:, PRODUCT_CODE[code]] != NONE for code in LOANS], axis=0)
    kinds = np.where(insured, KIND["insurance_premium"], KIND["utility"])
    return np.where(indebted, KIND["loan_payment"], kinds).astype(np.int64)


def _book(rng: np.random.Generator, people: Population, accounts: Accounts, draft: Draft) -> Movements:
    """Sizes the movements and books them to the current account, card payments to an open card where there is one."""
    who = draft.customer
    cents = _sizes(rng, people, accounts, draft)
    account = accounts.of[who, PRODUCT_CODE["P_CURRENT"]]
    card = accounts.of[who, PRODUCT_CODE["P_CREDITCARD"]]
    by_card = (draft.kind == KIND["card_payment"]) & _open_on(accounts, card, draft.day) & (rng.random(who.size) < 0.6)
    account = np.where(by_card, card, account)
    second = (8 * 3600 + rng.random(who.size) * 13.5 * 3600).astype(np.int64)
    return Movements(account, draft.day, second, cents, draft.kind)


def _sizes(rng: np.random.Generator, people: Population, accounts: Accounts, draft: Draft) -> Ints:
    """Signed cents; what goes out is scaled to what comes in, more for those who leave."""
    relative = np.array([_RELATIVE.get(kind, 1.0) for kind in KINDS])[draft.kind]
    typical = people.income[draft.customer] * relative
    for kind, amount in _TYPICAL.items():
        typical[draft.kind == KIND[kind]] = amount
    steady = _FIXED_SIZE[draft.kind]
    size = lognormal(rng, typical, np.where(steady, 0.04, 0.7))
    repays = draft.kind == KIND["loan_payment"]
    size[repays] = _instalments(people, accounts)[draft.customer[repays]]
    comes = _INCOMING[draft.kind]
    size *= np.where(comes | steady, 1.0, _spending(rng, people, draft, size)[draft.customer])
    whole = np.isin(draft.kind, [KIND["cash_in"], KIND["cash_out"]])
    size = np.where(whole, np.maximum(np.round(size, -1), 10.0), np.maximum(size, 0.01))
    cents = np.round(size * CENTS).astype(np.int64)
    return np.where(comes, cents, -cents)


def _instalments(people: Population, accounts: Accounts) -> Floats:
    due = np.zeros(len(people))
    for code, (_, months) in LOANS.items():
        loan = accounts.of[:, PRODUCT_CODE[code]]
        due = np.where((loan != NONE) & (due == 0), accounts.start_cents[loan] / CENTS / months, due)
    return due


def _spending(rng: np.random.Generator, people: Population, draft: Draft, size: Floats) -> Floats:
    comes, steady = _INCOMING[draft.kind], _FIXED_SIZE[draft.kind]
    rows = len(people)
    income = np.bincount(draft.customer[comes], size[comes], rows)
    fixed = np.bincount(draft.customer[steady & ~comes], size[steady & ~comes], rows)
    free = ~comes & ~steady
    wanted = np.bincount(draft.customer[free], size[free], rows)
    leaving = np.isin(people.life, [Life.AT_RISK, Life.LOST])
    share = np.where(leaving, rng.uniform(1.2, 2.2, rows), rng.uniform(0.75, 1.05, rows))
    budget = np.maximum(income * share - fixed, 0.1 * income)
    return np.where((wanted > 0) & (income > 0), budget / np.maximum(wanted, 1e-9), 1.0)


def _open_on(accounts: Accounts, account: Ints, day: Ints) -> Flags:
    return (account != NONE) & (accounts.opened[account] <= day) & (day <= accounts.closed[account])


def _counter_entries(accounts: Accounts, draft: Draft, own: Movements) -> list[Movements]:
    """The other side within the bank: loans and cards are paid down, investments grow and shrink."""
    entries = []
    for kinds, codes, one_in in (
        (("loan_payment",), tuple(LOANS), 1),
        (("investment_buy", "investment_sell"), INVESTMENTS, 1),
        (("transfer_out",), ("P_CREDITCARD",), 3),
    ):
        rows = np.flatnonzero(np.isin(own.kind, [KIND[kind] for kind in kinds]) & (own.cents % one_in == 0))
        target = np.full(rows.size, NONE, dtype=np.int64)
        for code in codes:
            account = accounts.of[draft.customer[rows], PRODUCT_CODE[code]]
            target = np.where((target == NONE) & _open_on(accounts, account, own.day[rows]), account, target)
        chosen = rows[target != NONE]
        part = own.take(chosen)
        entries.append(Movements(target[target != NONE], part.day, part.second, -part.cents, part.kind))
    return entries


def _running(movements: Movements) -> tuple[Ints, Ints, Ints]:
    """Running sum within each account, and the first row and the account of each group of rows."""
    total = np.cumsum(movements.cents)
    first = np.flatnonzero(np.diff(movements.account, prepend=-1))
    before = np.where(first > 0, total[first - 1], 0)
    lengths = np.diff(np.append(first, total.size))
    return total - np.repeat(before, lengths), first, movements.account[first]


def _starts(accounts: Accounts, booked: Movements) -> Ints:
    """Starting balances: as wanted, or as much more as it takes to stay above zero. Loans start at what is owed."""
    start = accounts.start_cents.copy()
    start[_IS_CARD[accounts.product]] = 0
    if len(booked) == 0:
        return start
    running, first, account = _running(booked)
    lowest = np.minimum.reduceat(running, first)
    highest = np.maximum.reduceat(running, first)
    loan, card = _IS_LOAN[accounts.product[account]], _IS_CARD[accounts.product[account]]
    needed = np.where(loan, highest, np.where(card, 0, -lowest))
    start[account] = np.maximum(start[account], needed)
    return start


def _openings(accounts: Accounts, start: Ints, last: int) -> Movements:
    """The first deposit on accounts opened within the history; a loan is paid out, not deposited."""
    rows = np.flatnonzero(
        (accounts.opened >= 0) & (accounts.opened <= last) & (start > 0) & ~_IS_LOAN[accounts.product]
    )
    return Movements(
        rows,
        accounts.opened[rows],
        np.full(rows.size, OPENING_SECOND),
        start[rows],
        np.full(rows.size, KIND["transfer_in"]),
    )


def _closings(accounts: Accounts, start: Ints, booked: Movements, last: int) -> Movements:
    """What takes a closed account to zero."""
    left = start + np.round(np.bincount(booked.account, booked.cents, len(accounts))).astype(np.int64)
    owed = _IS_LOAN[accounts.product]
    paid = np.round(np.bincount(booked.account, np.abs(booked.cents), len(accounts))).astype(np.int64)
    left = np.where(owed, start - paid, left)
    rows = np.flatnonzero((accounts.closed <= last) & (left != 0))
    kind = np.where(owed[rows], KIND["loan_payment"], KIND["transfer_out"])
    cents = np.where(owed[rows], left[rows], -left[rows])
    return Movements(rows, accounts.closed[rows], np.full(rows.size, CLOSING_SECOND), cents, kind)


def _balances(bank: Bank, accounts: Accounts, start: Ints, movements: Movements) -> Balances:
    """End-of-day balances: the start, then one per account and month on its last day with a movement, daily at last.

    Accounts older than the history start on the day before it; the balance of a loan is what is owed.
    """
    last = bank.calendar.last
    running, _, _ = _running(movements)
    owed = _IS_LOAN[accounts.product]
    in_history = (accounts.opened >= 0) & ~owed
    base = np.where(in_history, 0, start)[movements.account]
    after = np.where(owed[movements.account], base - running, base + running)
    shown = _last_of_period(bank, accounts, movements)
    fresh = np.flatnonzero((accounts.opened <= last) & ~(in_history & (start > 0)))
    account = np.concatenate([fresh, movements.account[shown]])
    day = np.concatenate([np.maximum(accounts.opened[fresh], -1), movements.day[shown]])
    cents = np.concatenate([start[fresh], after[shown]])
    order = np.argsort(account * 2**20 + day + 2, kind="stable")
    account, day, cents = account[order], day[order], cents[order]
    final = np.append((account[1:] != account[:-1]) | (day[1:] != day[:-1]), True)
    return Balances(account[final], day[final], cents[final])


def _last_of_period(bank: Bank, accounts: Accounts, movements: Movements) -> Ints:
    if len(movements) == 0:
        return np.zeros(0, dtype=np.int64)
    month = np.searchsorted(bank.calendar.month_starts(), movements.day, side="right")
    recent = movements.day > bank.calendar.last - DAILY_BALANCES_DAYS
    period = np.where(recent, movements.day + 1000, month)
    period = np.where(movements.day == accounts.opened[movements.account], NONE, period)
    change = (movements.account[1:] != movements.account[:-1]) | (period[1:] != period[:-1])
    return np.flatnonzero(np.append(change, True))

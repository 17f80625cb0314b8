"""The movements of one living week: what the bank's ledger books so that every change of a balance is explained.

Everyday spending is booked when a customer moves money at all, instalments and small transfers in the week of the
monthly income, interest at the end of the month; until then what has been lived and is not booked yet is carried on.
Money that an offer moves is booked at once. Delivered balances are those of the ledger, so they always reconcile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from cultiva.simbank.archetypes import ARCHETYPES, LOANS, PRODUCT_CODE, PRODUCTS
from cultiva.simbank.arrays import NONE, Flags, Floats, Ints
from cultiva.simbank.free_days import paydays
from cultiva.simbank.living import Happened
from cultiva.simbank.movements import CLOSING_SECOND, KIND, OPENING_SECOND
from cultiva.simbank.population import Population
from cultiva.simbank.purchases import split_spending

DAYS_PER_WEEK = 7
CENTS = 100
CURRENT, CARD = PRODUCT_CODE["P_CURRENT"], PRODUCT_CODE["P_CREDITCARD"]
OWED = np.array([product.product_id in LOANS for product in PRODUCTS])
OWED[CARD] = True
SIGN = np.where(OWED, -1, 1)
"""What a movement does to the balance as the simulation counts it: payments lower what is owed."""
LARGE_SHARE, LARGE_MIN = 0.05, 500.0
"""Transfers of this share of a product's balance, and of this many yuan, are booked in their week."""
ASLEEP = 0.35
"""Below this activity an account lies still: what comes and goes in the simulation is not booked."""
LITTLE_SHARE = 0.4
"""Spending below this share of a month's income waits until the customer moves money anyway."""
NOTICED_SHARE = 0.03
"""Transfers from elsewhere below this share of a month's income drown in everyday life."""
INTEREST_MIN_CENTS = 100
"""Less interest is booked in a later month."""
EVERYDAY_SHARE = 0.6
"""Share of a customer's movements that is everyday spending; the others are income, bills and transfers."""
FEE_CENTS, FEE_PER_MOVEMENT = 600, 0.15
"""One fee, in cents, and what a movement costs on average, in yuan."""
TAKINGS_MEAN = 3.0
"""Additional payments in which those who trade receive what they take."""
PAYROLL_SHARE = 0.8
"""What an employer pays its people, relative to its own income."""
_TRADES = np.array([kind.kinds.get("merchant_income", 0.0) > 0 for kind in ARCHETYPES])
_PAYS = np.array([kind.regular_kind == "payroll_out" for kind in ARCHETYPES])
_REGULAR = np.array([KIND["merchant_income" if kind.regular_kind == "payroll_out" else kind.regular_kind]
                     for kind in ARCHETYPES])  # fmt: skip
_INTO = np.array([KIND[{"fund": "investment_buy", "wealth": "investment_buy", "insurance": "insurance_premium"}.get(
    product.category, "transfer_in")] for product in PRODUCTS])  # fmt: skip
_OUT_OF = np.array([KIND[{"fund": "investment_sell", "wealth": "investment_sell"}.get(
    product.category, "transfer_out")] for product in PRODUCTS])  # fmt: skip
_INTO[[PRODUCT_CODE[code] for code in LOANS]] = KIND["loan_payment"]
_OUT_OF[CARD] = KIND["card_payment"]


@dataclass(frozen=True)
class Books:
    """What the bank's systems know of the money, and what they have not booked yet; shape (n, products)."""

    cents: Ints
    """Balance last delivered; what is owed is positive."""
    own: Floats
    """Own money moved into products and not booked yet, in yuan."""
    fresh: Floats
    """Money from other banks that went into products and is not booked yet, in yuan."""


@dataclass(frozen=True)
class Booked:
    """Movements as columns, in no order."""

    customer: Ints
    product: Ints
    day: Ints
    second: Ints
    cents: Ints
    """Signed as delivered: positive comes in."""
    kind: Ints
    other: Ints
    """Own product on the other side of the movement, or NONE."""

    @staticmethod
    def together(parts: list[Booked]) -> Booked:
        """One after the other."""
        names = Booked.__dataclass_fields__
        return Booked(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Week:
    """What the booking of a week needs to know."""

    people: Population
    pay_day: Ints
    """Day of the month on which income comes, shape (n,)."""
    first: date
    """The bank's day 0."""
    happened: Happened
    taken: Flags
    """Shape (n, products): taken up in the week."""

    @property
    def begins(self) -> int:
        """The first of the seven days."""
        return self.happened.before.day + 1

    def changed(self, name: str) -> Flags:
        """Where an account was opened or closed in the week: `opened` or `closed`, shape (n, products)."""
        days: Ints = getattr(self.happened.after, name)
        return (days >= self.begins) & (days < self.begins + DAYS_PER_WEEK)

    @property
    def asleep(self) -> Flags:
        """Who does next to nothing with the account; shape (n,)."""
        stirs = self.taken | self.changed("opened") | self.changed("closed")
        return (self.happened.after.activity < ASLEEP) & ~stirs.any(axis=1)

    def pay_offset(self) -> Ints:
        """Day of the week, 0 to 6, on which the monthly income comes; NONE in other weeks and for those asleep."""
        offset = np.full(len(self.people), NONE, dtype=np.int64)
        for due, step in paydays(self.first + timedelta(days=self.begins)):
            offset[self.pay_day == due] = step
        return np.where(self.asleep, NONE, offset)

    def ends_month(self) -> bool:
        """Whether the last day of a month is among the seven."""
        days = [self.first + timedelta(days=self.begins + step) for step in range(1, DAYS_PER_WEEK + 1)]
        return any(day.day == 1 for day in days)


def book_week(rng: np.random.Generator, week: Week, books: Books) -> tuple[Booked, Books]:
    """Books a week.

    Args:
        rng: Source of chance for what has no consequences: days, sizes, kinds.
        week: What happened.
        books: As the last delivery left them.

    Returns:
        The movements, and the books as they are after them: the change of each balance is their sum.
    """
    parts, own, fresh = _product_rows(rng, week, books)
    parts += _income_rows(rng, week)
    parts += [_transfer_rows(rng, week), _fee_rows(rng, week, books)]
    parts += _everyday_rows(rng, week, books, Booked.together(parts), own)
    booked = _in_order(week, Booked.together(parts), books)
    cents = books.cents + _sums(booked, books.cents.shape) * SIGN
    return booked, Books(cents, own, fresh)


def _sums(booked: Booked, shape: tuple[int, ...]) -> Ints:
    flat = np.bincount(booked.customer * shape[1] + booked.product, booked.cents, shape[0] * shape[1])
    return np.rint(flat).astype(np.int64).reshape(shape)


def in_cents(yuan: Floats) -> Ints:
    """Whole cents."""
    return np.rint(yuan * CENTS).astype(np.int64)


def _rows(week: Week, cents: Ints, kinds: tuple[Ints, Ints], day: Ints, other: int | None = None) -> Booked:
    """Movements from a matrix of signed cents, shape (n, products).

    Args:
        week: The week.
        cents: 0: no movement.
        kinds: By product: kind of what comes in and of what goes out.
        day: Shape (n, products).
        other: The own product on the other side, if it is one.
    """
    who, product = np.nonzero(cents)
    amount, on = cents[who, product], day[who, product]
    kind = np.where(amount > 0, kinds[0][product], kinds[1][product])
    opens = week.happened.after.opened[who, product] == on
    second = np.where(opens, OPENING_SECOND, 9 * 3600 + (who * 7919 + product * 104_729) % 36_000)
    across = np.full(who.size, NONE if other is None else other, dtype=np.int64)
    return Booked(who, product, on, second, amount, kind, across)


def _product_rows(rng: np.random.Generator, week: Week, books: Books) -> tuple[list[Booked], Floats, Floats]:
    """Money into and out of products, with the other side on the current account; interest; what stays unbooked."""
    after, flows = week.happened.after, week.happened.flows
    own, fresh = books.own + flows.moved, books.fresh + flows.fresh
    now = _booked_now(week, own, fresh)
    own_cents, fresh_cents = in_cents(own) * now, in_cents(fresh) * now
    own, fresh = own * ~now, fresh * ~now
    own[:, CURRENT] = fresh[:, CURRENT] = 0.0
    gain = in_cents(after.balance) - books.cents - own_cents - fresh_cents - in_cents(own + fresh)
    gain *= week.changed("closed") | (week.ends_month() & (np.abs(gain) >= INTEREST_MIN_CENTS))
    gain[:, CURRENT] = 0
    day = _days(rng, week)
    back = -own_cents * SIGN
    back[:, CARD] = np.minimum(back[:, CARD], 0)  # what a card pays goes to a shop, not to the current account
    interest = (np.full(len(PRODUCTS), KIND["interest"]),) * 2
    parts = [
        _rows(week, own_cents * SIGN, (_INTO, _OUT_OF), day, CURRENT),
        _rows(week, fresh_cents * SIGN, (_INTO, _OUT_OF), day),
        _rows(week, gain * SIGN, interest, np.broadcast_to(_last_day(week), day.shape)),
        _other_side(_rows(week, back, (_OUT_OF, _INTO), day)),
    ]
    return parts, own, fresh


def _booked_now(week: Week, own: Floats, fresh: Floats) -> Flags:
    size = np.abs(own) + np.abs(fresh)
    large = (size >= LARGE_MIN) & (size >= LARGE_SHARE * week.happened.before.balance)
    now = large | week.taken | week.changed("opened") | week.changed("closed")
    now |= (week.pay_offset() != NONE)[:, None]
    now[:, CURRENT] = False
    return now


def _other_side(rows: Booked) -> Booked:
    """The same movements seen from the current account."""
    return Booked(rows.customer, np.full_like(rows.product, CURRENT), rows.day, rows.second, rows.cents, rows.kind,
                  rows.product)  # fmt: skip


def _days(rng: np.random.Generator, week: Week) -> Ints:
    """When products are moved: on the day of opening or closing, on the pay day, or on any."""
    after, n = week.happened.after, len(week.people)
    offset = week.pay_offset()
    day = week.begins + np.where(offset == NONE, rng.integers(0, DAYS_PER_WEEK, n), np.minimum(offset + 1, 6))
    days = np.repeat(day[:, None], after.opened.shape[1], axis=1)
    days = np.where(week.changed("opened"), after.opened, days)
    days = np.where(week.changed("closed"), after.closed, days)
    current = np.where(week.changed("opened"), after.opened, 0)[:, CURRENT]
    return np.maximum(days, current[:, None])


def _last_day(week: Week) -> Ints:
    """The last day of the week, or of the accounts that were closed in it; shape (n, products)."""
    return np.where(week.changed("closed"), week.happened.after.closed, week.begins + DAYS_PER_WEEK - 1)


def _income_rows(rng: np.random.Generator, week: Week) -> list[Booked]:
    """Salary, pension, takings; an employer's payroll, and the takings that cover it."""
    people, income = week.people, np.where(week.asleep, 0, in_cents(week.happened.flows.income))
    pays = _PAYS[people.archetype] * np.rint(income * PAYROLL_SHARE).astype(np.int64)
    who = np.flatnonzero(income > 0)
    counts = np.where(_TRADES[people.archetype[who]], 1 + rng.poisson(TAKINGS_MEAN, who.size), 1)
    rows = np.repeat(who, counts)
    part = _shared(rng, (income + pays)[who], counts)
    offset = week.pay_offset()[rows]
    day = week.begins + np.where(np.repeat(counts, counts) > 1, rng.integers(0, DAYS_PER_WEEK, rows.size), offset)
    second = (9 * 3600 + rng.random(rows.size) * 3600).astype(np.int64)
    employers = np.flatnonzero(pays > 0)
    none = np.full(rows.size, NONE, dtype=np.int64)
    return [
        Booked(rows, np.zeros_like(rows), day, second, part, _REGULAR[people.archetype[rows]], none),
        Booked(employers, np.zeros_like(employers), week.begins + week.pay_offset()[employers],
               np.full(employers.size, 16 * 3600), -pays[employers],
               np.full(employers.size, KIND["payroll_out"]), none[: employers.size]),
    ]  # fmt: skip


def _shared(rng: np.random.Generator, totals: Ints, counts: Ints) -> Ints:
    """Splits each total into its count of parts of random size."""
    first = np.cumsum(counts) - counts
    weight = rng.uniform(0.5, 1.5, int(counts.sum()))
    share = weight / np.repeat(np.add.reduceat(weight, first), counts) if counts.size else weight
    part = (np.repeat(totals, counts) * share).astype(np.int64)
    part[first] += totals - (np.add.reduceat(part, first) if counts.size else 0)
    return part


def _transfer_rows(rng: np.random.Generator, week: Week) -> Booked:
    """What comes from other banks over the current account, where it is enough to be seen."""
    outside = week.happened.flows.outside
    who = np.flatnonzero(outside > NOTICED_SHARE * week.people.income)
    day = week.begins + rng.integers(0, DAYS_PER_WEEK, who.size)
    second = (9 * 3600 + rng.random(who.size) * 40_000).astype(np.int64)
    kind = np.full(who.size, KIND["transfer_in"])
    return Booked(who, np.zeros_like(who), day, second, in_cents(outside[who]), kind, np.full_like(who, NONE))


def _fee_rows(rng: np.random.Generator, week: Week, books: Books) -> Booked:
    """Fees: few movements cost one, of six yuan each; what is taken up may cost a fee of its own."""
    chance = week.happened.flows.movements * FEE_PER_MOVEMENT / (FEE_CENTS / CENTS)
    able = books.cents[:, CURRENT] >= 2 * FEE_CENTS
    who = np.flatnonzero((rng.random(chance.size) < chance) & able & ~week.changed("closed")[:, CURRENT])
    day = week.begins + rng.integers(0, DAYS_PER_WEEK, who.size)
    filled = [np.full_like(who, value) for value in (21 * 3600, -FEE_CENTS, KIND["fee"], NONE)]
    return Booked.together([Booked(who, np.zeros_like(who), day, *filled), _upfront_rows(week)])


def _upfront_rows(week: Week) -> Booked:
    """Fees and commissions at take-up, in the evening of the day."""
    taken = week.happened.conversions
    cents = in_cents(taken.fee)
    rows = np.flatnonzero((cents > 0) & ~week.changed("closed")[taken.customer, CURRENT])
    who = taken.customer[rows]
    filled = [np.full_like(who, value) for value in (22 * 3600, KIND["fee"], NONE)]
    return Booked(who, np.zeros_like(who), taken.day[rows], filled[0], -cents[rows], *filled[1:])


def _everyday_rows(rng: np.random.Generator, week: Week, books: Books, rows: Booked, own: Floats) -> list[Booked]:
    """What brings the current account to where it has come: spending in several movements, or money in."""
    happened, people = week.happened, week.people
    stands = books.cents[:, CURRENT] + _sums(rows, books.cents.shape)[:, CURRENT]
    counts = rng.poisson(happened.flows.movements * EVERYDAY_SHARE)
    closed = week.changed("closed")[:, CURRENT]
    unbooked = in_cents(-(own * SIGN).sum(axis=1))
    target = np.where(closed, 0, np.maximum(in_cents(happened.after.balance[:, CURRENT]) - unbooked, 0))
    need = stands - target
    income = in_cents(people.income)
    spends = (counts > 0) | (need >= LITTLE_SHARE * income)
    noticed = np.where(week.asleep, LITTLE_SHARE, NOTICED_SHARE)
    receives = (-need >= noticed * income) | (stands < 0)
    need = np.where(closed | np.where(need > 0, spends, receives), need, 0)
    spent = split_spending(rng, people, np.where(closed, 0, np.maximum(need, 0)), counts)
    day = week.begins + rng.integers(0, DAYS_PER_WEEK, spent.customer.size)
    second = (8 * 3600 + rng.random(spent.customer.size) * 13.5 * 3600).astype(np.int64)
    comes, ends = np.flatnonzero(need < 0), np.flatnonzero(closed & (need > 0))
    return [
        Booked(spent.customer, np.zeros_like(spent.customer), day, second, -spent.cents, spent.kind,
               np.full_like(spent.customer, NONE)),
        Booked(comes, np.zeros_like(comes), week.begins + comes % DAYS_PER_WEEK, np.full_like(comes, 9 * 3600 + 1800),
               -need[comes], _ways_in(rng, people)[comes], np.full_like(comes, NONE)),
        Booked(ends, np.zeros_like(ends), happened.after.closed[ends, CURRENT], np.full_like(ends, CLOSING_SECOND),
               -need[ends], np.full_like(ends, KIND["transfer_out"]), np.full_like(ends, NONE)),
    ]  # fmt: skip


def _ways_in(rng: np.random.Generator, people: Population) -> Ints:
    """How money comes in beside income: as cash or by transfer, as is usual for the archetype."""
    cash = np.array([kind.kinds.get("cash_in", 0.0) for kind in ARCHETYPES])
    transfer = np.array([kind.kinds.get("transfer_in", 0.5) for kind in ARCHETYPES])
    by_cash = rng.random(len(people)) < (cash / (cash + transfer))[people.archetype]
    return np.where(by_cash, KIND["cash_in"], KIND["transfer_in"])


def _in_order(week: Week, booked: Booked, books: Books) -> Booked:
    """Within the life of each account, by account and time; what comes in goes first where it would be overdrawn."""
    after, products = week.happened.after, books.cents.shape[1]
    opened = after.opened[booked.customer, booked.product]
    day = np.clip(booked.day, np.minimum(opened, week.begins + 6), after.closed[booked.customer, booked.product])
    account = booked.customer * products + booked.product
    moment = day * 86_400 + booked.second
    order = np.lexsort((moment, account))
    account, moment = account[order], moment[order]
    cents = booked.cents[order]
    first = np.flatnonzero(np.diff(account, prepend=-1))
    lengths = np.diff(np.append(first, account.size))
    total = np.cumsum(cents)
    start = books.cents.ravel()[account] - np.repeat(np.where(first > 0, total[first - 1], 0), lengths)
    poor = np.minimum.reduceat(start + total, first) < 0 if first.size else np.zeros(0, dtype=np.bool_)
    late = np.repeat(poor, lengths) & (cents < 0)  # times stay where they are; who has them changes
    order = order[np.lexsort((np.arange(order.size), late, account))]
    columns = [getattr(booked, name)[order] for name in ("customer", "product")]
    rest = [getattr(booked, name)[order] for name in ("cents", "kind", "other")]
    return Booked(columns[0], columns[1], moment // 86_400, moment % 86_400, *rest)

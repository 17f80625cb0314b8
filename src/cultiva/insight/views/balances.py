"""What an account was worth: a step function of days, and its value and averages as of a business date.

A step is an amount that counts from one day up to, not including, another. A balance counts until the account's next
balance; a movement counts for ever, and the movements add up. Nothing counts from the day on which the account closed.
Amounts are whole cents and days whole numbers, so that sums are exact and equal on every engine.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cultiva.engine.exact import mean_cents_ibis, money_ibis
from cultiva.kit.money import MINOR_PER_MAJOR

if TYPE_CHECKING:
    import ibis

WINDOWS_DAYS = (30, 90, 365)
"""Spans for which a balance so long ago and a daily average are kept."""
_EPOCH = date(1970, 1, 1)
_NEVER = 2**31 - 1
_WHOLE = "!int64"
# A sum is 128 bits wide on DuckDB, and dividing it ten times slower. Ibis takes it for int64 and would drop that cast.


def day_number(day: date) -> int:
    """Days since 1970-01-01.

    Examples:
        >>> day_number(date(1970, 2, 1))
        31
    """
    return (day - _EPOCH).days


def balance_steps(balance: ibis.Table) -> ibis.Table:
    """(account_id, from_day, to_day, cents, limit_cents) of delivered balances.

    Of two balances of one account and day the larger one counts.
    """
    import ibis

    rows = balance.select(
        "account_id",
        from_day=_day(balance["date"]),
        cents=_cents(balance["balance"]),
        limit_cents=_cents(balance["limit"]),
    )
    order = [rows.from_day, rows.cents, rows.limit_cents.asc(nulls_first=True)]
    following = rows.from_day.lead().over(ibis.window(group_by="account_id", order_by=order))
    return rows.select("account_id", "from_day", "cents", "limit_cents", to_day=following.fill_null(_NEVER))


def movement_steps(transaction: ibis.Table) -> ibis.Table:
    """(account_id, from_day, to_day, cents, limit_cents) of movements, whose running sum is the balance."""
    import ibis

    return transaction.select(
        "account_id",
        from_day=_day(transaction["at"].date()),
        cents=_cents(transaction["amount"]),
        limit_cents=ibis.null("int64"),
        to_day=ibis.literal(_NEVER, type="int64"),
    )


def average_name(days: int) -> str:
    """Column of the daily average over the last so many days."""
    return f"average_balance_{days}d" if days in WINDOWS_DAYS else f"period_average_balance_{days}d"


def balances(
    steps: ibis.Table, accounts: ibis.Table, business_date: date, *, period_days: int | None = None
) -> ibis.Table:
    """One row per account with steps: balance and credit_limit now, balances ago, daily averages.

    Args:
        steps: Steps of accounts; those after the business date do not count.
        accounts: account_id and closed_on.
        business_date: The last day that counts.
        period_days: A further span to average over.
    """
    today = day_number(business_date)
    spans = (*WINDOWS_DAYS, *(() if period_days is None or period_days in WINDOWS_DAYS else (period_days,)))
    known = _within(steps, accounts, today, max(spans))
    return known.group_by("account_id").aggregate(
        balance=money_ibis(_worth(known, known.cents, today)),
        credit_limit=money_ibis(known.limit_cents.max(where=_counts(known, today))),
        **{f"balance_{days}d_ago": money_ibis(_worth(known, known.cents, today - days)) for days in WINDOWS_DAYS},
        **{average_name(days): _average(known, today, days) for days in spans},
    )


def average_balances(steps: ibis.Table, accounts: ibis.Table, business_date: date, days: int) -> ibis.Table:
    """One row per account with steps: `average_balance`, its daily average over the last so many days.

    Args:
        steps: Steps of accounts; those after the business date do not count.
        accounts: account_id and closed_on.
        business_date: The last day that counts.
        days: How many days, the business date included.
    """
    today = day_number(business_date)
    known = _within(steps, accounts, today, days)
    return known.group_by("account_id").aggregate(average_balance=_average(known, today, days))


def _within(steps: ibis.Table, accounts: ibis.Table, today: int, days: int) -> ibis.Table:
    """Steps that count on one of the last days or just before them, cut off where the account closed."""
    import ibis

    closings = accounts.filter(accounts.closed_on.notnull())
    closings = closings.select("account_id", closing=_day(closings.closed_on))
    # What ended before the span began counts nowhere: a long history costs little.
    within = steps.filter(steps.from_day <= today, steps.to_day > today - days)
    known = within.left_join(closings, "account_id")
    return known.select(
        "account_id", "from_day", "cents", "limit_cents",
        to_day=ibis.least(known.to_day, known.closing.fill_null(_NEVER)),
    )  # fmt: skip


def _worth(steps: ibis.Table, cents: ibis.Value, day: int) -> ibis.Value:
    return cents.sum(where=_counts(steps, day)).fill_null(0).cast(_WHOLE)


def _counts(steps: ibis.Table, day: int) -> ibis.Value:
    return (steps.from_day <= day) & (steps.to_day > day)


def _average(steps: ibis.Table, today: int, days: int) -> ibis.Value:
    """Days before the first step count with 0; half a cent is rounded away from zero."""
    import ibis

    start = ibis.greatest(steps.from_day, today - days + 1)
    span = ibis.greatest(ibis.least(steps.to_day, today + 1) - start, 0)
    total = (steps.cents * span).sum().cast(_WHOLE)
    return money_ibis(mean_cents_ibis(total, ibis.literal(days, type="int64")))


def _day(value: ibis.Value) -> ibis.Value:
    import ibis

    return value.delta(ibis.date(_EPOCH.isoformat()), unit="day").cast("int64")


def _cents(value: ibis.Value) -> ibis.Value:
    return (value * MINOR_PER_MAJOR).cast("int64")

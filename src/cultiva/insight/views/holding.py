"""The holding view: every account of every customer, with its product and its balances as of the business date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.tables import BALANCE, PRODUCT, TRANSACTION
from cultiva.contracts.views import HOLDING_VIEW
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.views.balances import average_name, balance_steps, balances, movement_steps
from cultiva.insight.views.ownership import Accounts, holders, opened

if TYPE_CHECKING:
    import ibis

FROM_MOVEMENTS = "there is no balance table: an account's balance is the running sum of its transactions"
"""Note of a result without delivered balances."""
NO_BALANCES = "there is neither a balance nor a transaction table: every balance is 0"
"""Note of a result without any money."""
_PRODUCT = ("category", "asset_class", "risk_level", "customer_rate", "fee_rate", "risk_weight")


@dataclass(frozen=True)
class Worth:
    """Where accounts' balances come from: facts, all snapshots up to the business date."""

    balance: Files
    """Delivered balances."""
    transaction: Files
    """Movements, for a bank that delivers no balances."""


@dataclass(frozen=True)
class Holdings:
    """What was written."""

    written: Written
    notes: tuple[str, ...]
    """What a reader of the run report should know."""


def write_holdings(
    engine: Engine,
    accounts: Accounts,
    worth: Worth,
    folder: Path,
    *,
    business_date: date,
    period_days: int | None = None,
) -> Holdings:
    """Writes the `holding` view, sorted by customer_id and account_id.

    Args:
        engine: Where sets are computed.
        accounts: Who holds what.
        worth: Where balances come from.
        folder: New lake folder.
        business_date: The day; accounts opened later do not exist yet.
        period_days: Days since the run before: the average balance over them is kept beside the view's columns, as
            `average_name` calls it, so that what the period brought in need not look at all balances again.

    Returns:
        What was written, with notes.
    """
    known = opened(engine, accounts.account, business_date)
    steps, notes = money_steps(engine, worth)
    products = engine.scan(accounts.product, columns=PRODUCT.columns).select("product_id", *_PRODUCT)
    rows = (
        known.join(holders(engine, accounts), "account_id")
        .left_join(products, "product_id")
        .left_join(balances(steps, known, business_date, period_days=period_days), "account_id")
    )
    is_open = rows.closed_on.isnull() | (rows.closed_on > business_date)
    own = [name for name in known.columns if name not in HOLDING_VIEW.names]
    period = [] if period_days is None else [name for name in (average_name(period_days),) if name not in own]
    columns = list(dict.fromkeys(("customer_id", *HOLDING_VIEW.names, *own, *period)))
    table = rows.mutate(is_open=is_open, **_zero_where_unknown(rows, [*HOLDING_VIEW.names, *period]))
    return Holdings(engine.write(table.select(*columns), folder, sort_by=["customer_id", "account_id"]), notes)


def money_steps(engine: Engine, worth: Worth) -> tuple[ibis.Table, tuple[str, ...]]:
    """What accounts were worth as steps of days (see `balances.py`), and what a reader should know of it."""
    if worth.balance:
        return balance_steps(engine.scan(worth.balance, columns=BALANCE.columns)), ()
    movements = movement_steps(engine.scan(worth.transaction, columns=TRANSACTION.columns))
    return movements, (FROM_MOVEMENTS if worth.transaction else NO_BALANCES,)


def _zero_where_unknown(rows: ibis.Table, names: Sequence[str]) -> dict[str, ibis.Value]:
    return {name: rows[name].fill_null(0) for name in names if name.split("_")[0] in ("balance", "average", "period")}

"""BG/NBD and Gamma-Gamma on CDNOW's customers: published parameters, and a forecast beside what came.

Usage: python examples/cdnow/forecast.py ../shared/data/cdnow

The data are Fader and Hardie's: everybody who bought for the first time at CDNOW in the first quarter of 1997, until
the end of June 1998. Their papers use every tenth customer and the first 39 weeks. `sample.txt` says which these are:
one letter per customer in the sample, how far the number is from the one before (A is 1, B is 2, ...).
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl

from cultiva.contracts.types import DataType
from cultiva.engine.open import open_engine
from cultiva.engine.parquet import write_arrow
from cultiva.engine.port import Engine
from cultiva.insight.lifetime.histories import Worthwhile, compressed_amounts, compressed_histories, purchase_histories
from cultiva.insight.lifetime.outlook import Horizon, look_ahead
from cultiva.insight.lifetime.purchases import Histories, Purchases, fit_purchases
from cultiva.insight.lifetime.spending import Spending, fit_spending
from cultiva.insight.profile.inputs import ViewRows
from cultiva.rules import Scope, compile_rule

SEEN_UNTIL, KNOWN_UNTIL = date(1997, 9, 30), date(1998, 6, 30)
WEEK = 7.0
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "p": 6.25, "q": 3.74, "gamma": 15.44}
"""Fader, Hardie and Lee (2005), table 2, in weeks; Fader and Hardie (2013), note 025, in dollars."""


@dataclass(frozen=True)
class Found:
    """The models, and who they are about."""

    purchases: Purchases
    """In weeks."""
    spending: Spending
    histories: Histories
    """One customer per row, in weeks."""
    customers: list[int]
    """Their numbers."""

    @property
    def parameters(self) -> dict[str, float]:
        """All parameters by name."""
        models = (self.purchases, self.spending)
        return {name: float(getattr(one, name)) for one in models for name in PUBLISHED if hasattr(one, name)}


def read(folder: Path, *, sample: bool = True) -> pl.DataFrame:
    """Purchases: customer_id, at, amount.

    Args:
        folder: Where CDNOW_master.txt.gz lies.
        sample: Whether only every tenth customer is wanted, as in the papers.
    """
    with gzip.open(folder / "CDNOW_master.txt.gz", "rt") as lines:
        cells = [line.split() for line in lines][1:]
    rows = pl.DataFrame(cells, schema=["customer_id", "at", "cds", "amount"], orient="row").select(
        pl.col("customer_id").cast(pl.Int64),
        pl.col("at").str.to_datetime("%Y%m%d"),
        pl.col("amount").cast(pl.Decimal(18, 2)),
    )
    letters = Path(__file__).with_name("sample.txt").read_text().replace("\n", "")
    chosen = np.cumsum([ord(letter) - ord("@") for letter in letters])
    return rows.filter(pl.col("customer_id").is_in(chosen.tolist())) if sample else rows


def fit(engine: Engine, purchases: pl.DataFrame) -> Found:
    """The models of what was seen in the first 39 weeks, by the way that a workspace's purchases go."""
    with tempfile.TemporaryDirectory() as folder:
        write_arrow(purchases.to_arrow(), Path(folder) / "purchases")
        amount = compile_rule("amount", Scope({"amount": DataType.MONEY})).form(SEEN_UNTIL)
        rows = ViewRows([Path(folder) / "purchases"])
        found = purchase_histories(engine, rows, [Worthwhile(amount, None)], SEEN_UNTIL, period_days=1)
        one_by_one = pl.DataFrame(engine.fetch(found)).sort("customer_id")
        days, amounts = compressed_histories(engine, found), compressed_amounts(engine, found)
    weeks = replace(days, t_x=days.t_x / WEEK, T=days.T / WEEK)
    x, t_x, t = (one_by_one[name].to_numpy() for name in ("x", "t_x", "t"))
    everybody = Histories(x, t_x / WEEK, t / WEEK, np.ones(x.size))
    return Found(fit_purchases(weeks), fit_spending(amounts), everybody, one_by_one["customer_id"].to_list())


def forecast(found: Found, purchases: pl.DataFrame) -> pl.DataFrame:
    """Purchases of the 39 weeks after, by purchases seen: expected and actual, per customer."""
    ahead = look_ahead(found.purchases, found.histories, Horizon((KNOWN_UNTIL - SEEN_UNTIL).days / WEEK, 0.0))
    came = purchases.filter(pl.col("at").dt.date() > SEEN_UNTIL).group_by("customer_id").agg(pl.col("at").n_unique())
    rows = pl.DataFrame(
        {"customer_id": found.customers, "x": found.histories.x, "p_alive": ahead.p_alive, "expected": ahead.purchases}
    )
    return rows.join(came.rename({"at": "actual"}), "customer_id", "left").with_columns(pl.col("actual").fill_null(0))


def told(found: Found, ahead: pl.DataFrame) -> list[str]:
    """Both tables, line by line."""
    lines = [
        f"{len(found.customers):,} customers, {found.histories.repeaters:,.0f} bought again within 39 weeks",
        "parameter  published   found",
    ]
    lines += [f"{name:<9}  {PUBLISHED[name]:9.3f}  {value:6.3f}" for name, value in found.parameters.items()]
    lines += ["", "bought again  customers  alive  expected  came"]
    for x in range(8):
        rows = ahead.filter(pl.col("x") == x if x < 7 else pl.col("x") >= x)
        alive, expected, came = rows.select(pl.col("p_alive", "expected", "actual").mean()).row(0)
        name = f"{x}" if x < 7 else "7 or more"
        lines.append(f"{name:<12}  {rows.height:9,}  {alive:5.2f}  {expected:8.2f}  {came:4.2f}")
    expected, came = ahead.select(pl.col("expected", "actual").sum()).row(0)
    return [*lines, f"{'all':<12}  {ahead.height:9,}         {expected:8,.0f}  {came:,}", ""]


def main() -> None:
    """Prints both tables."""
    purchases = read(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as spill:
        engine = open_engine(SimpleNamespace(name="duckdb", threads=2, memory_gb=1, spill=spill))
        found = fit(engine, purchases)
        engine.close()
    sys.stdout.write("\n".join(told(found, forecast(found, purchases))))


if __name__ == "__main__":
    main()

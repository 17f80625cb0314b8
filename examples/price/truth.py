"""The true response to the prices of a simulated bank beside the learnt one; what no real bank could look up.

Usage: python examples/price/truth.py FLIGHT, the folder of a simulation with one priced product.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from cultiva import bootstrap
from cultiva.loop.pricing import curve_rows, priced_of
from cultiva.loop.simulation.scoring import true_curve
from cultiva.simbank.service import open_bank


def main(folder: Path) -> None:
    """Prints both curves of the two largest groups, and what the learnt ladder brings of what the best would."""
    with bootstrap.opened(folder / "workspace") as parts:
        day = parts.newest_date()
        (one,) = priced_of(parts, day)
        truth = true_curve(parts, open_bank(folder / "bank"), one.product, day)
    learnt = pl.DataFrame(curve_rows(one))
    both = learnt.join(truth, on=["group", "price"]).with_columns(worth=pl.col("true") * pl.col("margin"))
    large = both.group_by("group").agg(pl.col("quoted").sum()).top_k(2, by="quoted")["group"]
    for row in (
        both.filter(pl.col("group").is_in(large.implode())).sort("group", maintain_order=True).iter_rows(named=True)
    ):
        mark = " price" if row["chosen"] else ""
        sys.stdout.write(
            f"{row['group']:8} {row['shown']} learnt {row['take_up']:6.2%} true {row['true']:6.2%}{mark}\n"
        )
    weight = dict(zip(one.market.groups, one.market.customers.tolist(), strict=True))
    count = pl.col("group").replace_strict(weight, return_dtype=pl.Int64)
    chosen = both.filter("chosen").select((pl.col("worth") * count).sum()).item()
    best = both.group_by("group").agg(pl.col("worth").max()).select((pl.col("worth") * count).sum()).item()
    sys.stdout.write(f"the learnt ladder brings {chosen / best:.1%} of what the best prices would\n")


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main(Path(sys.argv[1]))

"""Looking for and at customers through a narrow sight: the first look of a day, finding, one card, a count.

A bank of 300 customers after one run is laid out many times over, with branches, advisers and telephones of their own.
Beside it what somebody would write by hand: the whole table of customers in memory, filtered by the person's branch.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.banks import BUSINESS_DATE
from benchmarks.harness import measure_python, parse_size, size_name

DESCRIPTION = "customers in sight: found, shown and counted; --size 20k, 1m customers"
SMALL = 300
"""Customers of the bank that is laid out."""
_LAY = """
import sys
from datetime import date
from pathlib import Path
import polars as pl
from cultiva.bootstrap import opened
from cultiva.engine.parquet import ROW_GROUP_ROWS, part_files, part_path, seal
on, customers = date.fromisoformat(sys.argv[2]), int(sys.argv[3])
SPAN = 1_000
who = pl.col("customer_id")
homes = {
    "branch_id": pl.format("B{}", who % 1_000), "adviser_id": pl.format("A{}", who % 5_000),
    "phone": pl.format("13{}", who.cast(pl.String).str.zfill(9)), "source_id": pl.format("c{}", who),
}
with opened(Path(sys.argv[1])) as parts:
    for table in ("customer", "profile", "identity_map"):
        rows = pl.read_parquet(part_files(parts.lake.files_current(table, on)))
        rows = rows.unique("customer_id").sort("customer_id")
        folder = parts.lake.stage(table, on, run_id="large")
        whole = range(-(-customers // rows.height))
        for number in range(0, len(whole), SPAN):
            laid = pl.concat([
                rows.with_columns(customer_id=pl.int_range(rows.height, dtype=pl.Int64) + one * rows.height)
                for one in whole[number : number + SPAN]
            ])
            laid = laid.with_columns(**{name: form for name, form in homes.items() if name in laid.columns})
            laid.write_parquet(part_path(folder, number // SPAN), row_group_size=ROW_GROUP_ROWS)
        snapshot = parts.lake.snapshot(table, on, folder, seal(folder), run_id="large")
        parts.store.snapshots.publish([snapshot], step="large", at=parts.clock())
"""
_ASK = """
import json, sys, time
from datetime import date
from pathlib import Path
import polars as pl
from cultiva.bootstrap import opened
from cultiva.contracts.sight import EVERYBODY, Sight
from cultiva.engine.parquet import part_files
from cultiva.loop.customers import card, profile_of
from cultiva.loop.finding import find
from cultiva.loop.questions import count
from cultiva.loop.seeing import seen
on, customers = date.fromisoformat(sys.argv[2]), int(sys.argv[3])
adviser = Sight(advisers=frozenset({"A77"}), personal=True)
branch = Sight(branches=frozenset({"B77"}), personal=True)
region = Sight(branches=frozenset(f"B{one}" for one in range(300)), personal=True)
whole = Sight(whole_bank=True, personal=True)
mine, rule = 77, "aum >= 50000 and stage = 'mature'"
told = {}
def timed(name, ask, times=9):
    took = []
    for _ in range(times):
        began = time.perf_counter()
        found = ask()
        took.append((time.perf_counter() - began) * 1000)
    told[name] = {"first_ms": round(took[0], 1), "median_ms": round(sorted(took)[len(took) // 2], 1)}
    return found
with opened(Path(sys.argv[1])) as parts:
    find(parts, "1", on, sight=whole)
    for name, sight in (("adviser", adviser), ("branch", branch), ("region", region)):
        told[f"{name}_sees"] = len(timed(f"first_look_{name}", lambda: seen(parts, sight), 2))
    phone = f"13{mine:09d}"
    record = pl.scan_parquet(part_files(parts.lake.files_current("identity_map", on))).filter(
        pl.col("customer_id") == mine).collect().row(0, named=True)
    begins = pl.scan_parquet(part_files(parts.lake.files_current("customer", on))).filter(
        pl.col("customer_id") == mine).collect()["name"][0][:2]
    for who, sight in (("adviser", adviser), ("region", region), ("bank", whole)):
        asked = {"id": str(mine), "source": f"{record['source_system']}:{record['source_id']}", "phone": phone,
                 "name": begins}
        for by, text in asked.items():
            found = timed(f"find_{by}_{who}", lambda: find(parts, text, on, sight=sight))
            assert mine in [one.customer_id for one in found.hits] or found.more, (who, by)
        timed(f"card_{who}", lambda: card(parts, mine, on, sight=sight))
        timed(f"profile_{who}", lambda: profile_of(parts, mine, on, sight=sight))
        counted = timed(f"count_{who}", lambda: count(parts, rule, on, sight=sight), 3)
        told[f"counted_{who}"] = [counted.count, counted.customers]
    hidden = timed("find_id_out_of_sight", lambda: find(parts, "78", on, sight=adviser))
    none = timed("find_id_of_nobody", lambda: find(parts, str(10**8), on, sight=adviser))
    assert hidden.hits == none.hits == ()
    files = part_files(parts.lake.files_current("customer", on))
    def by_hand():
        table = pl.read_parquet(files)
        return table.filter(pl.col("branch_id").is_in(sorted(region.branches)) & (pl.col("phone") == phone)).height
    assert timed("by_hand_whole_table_phone", by_hand, 3) == 1
    profile = part_files(parts.lake.files_current("profile", on))
    def count_by_hand():
        table = pl.read_parquet(profile, columns=["customer_id", "aum", "stage", "branch_id"])
        rows = table.filter(pl.col("branch_id").is_in(sorted(region.branches))).to_dicts()
        return sum(1 for row in rows if row["aum"] is not None and row["aum"] >= 50000 and row["stage"] == "mature")
    assert timed("by_hand_rows_count_region", count_by_hand, 1) == told["counted_region"][0]
print(json.dumps(told))
"""


def run(size: str | None) -> dict[str, Any]:
    """Lays a large bank out and asks it.

    Args:
        size: Customers of the bank.
    """
    customers = parse_size(size or "20k")
    folder = Path(tempfile.mkdtemp(prefix="cultiva-sight-"))
    try:
        root, program = folder / "bank", str(Path(sys.executable).with_name("cultiva"))
        for command in (["init", str(root), "--customers", str(SMALL)], ["run", str(root), "--date", BUSINESS_DATE]):
            subprocess.run([program, *command], check=True, capture_output=True)
        measure_python(_LAY, str(root), BUSINESS_DATE, str(customers))
        asked = measure_python(_ASK, str(root), BUSINESS_DATE, str(customers))
        told: dict[str, Any] = json.loads(asked.output.splitlines()[-1])
        return {"size": size_name(customers), "customers": customers, **told, "peak_gib": asked.peak_gib}
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""How long the sample bank takes to write, and how that compares with merely writing the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.banks import TRANSACTIONS_PER_CUSTOMER, delivered, generate
from benchmarks.harness import DATA, GIB, Measured, measure_python, parse_size, size_name

DESCRIPTION = "write a generated bank, 20 transactions per customer; --size 0.1m (default), 1m, 10m"
_REWRITE = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import pyarrow.parquet as pq
from cultiva.simbank.delivery import ROW_GROUP_ROWS, parquet_writer
spent = 0.0
folder, target = Path(sys.argv[1]), Path(sys.argv[2])
target.mkdir(parents=True, exist_ok=True)
cpu = 0.0
for path in sorted(folder.glob("*.parquet")):
    source, writer = pq.ParquetFile(path), None
    for group in range(source.num_row_groups):
        table = source.read_row_group(group)
        begun, cpu_begun = time.perf_counter(), time.process_time()
        writer = writer or parquet_writer(target / path.name, table)
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        spent += time.perf_counter() - begun
        cpu += time.process_time() - cpu_begun
    begun = time.perf_counter()
    if writer:
        writer.close()
    spent += time.perf_counter() - begun
print(json.dumps({"seconds": spent, "cpu_seconds": cpu}))
"""


def run(size: str | None) -> dict[str, Any]:
    """Writes a bank and says how fast, and how fast the same rows are written when they are there already."""
    customers = parse_size(size or "0.1m")
    folder = DATA / size_name(customers) / "data"
    counts, measured = generate(customers, folder)
    rows = sum(counts["rows"].values())
    written = rewritten(folder)
    return {
        "size": size_name(customers),
        "customers": customers,
        "transactions_per_customer": TRANSACTIONS_PER_CUSTOMER,
        "rows": counts["rows"],
        "gib": round(sum(path.stat().st_size for path in delivered(folder)) / GIB, 3),
        "seconds": measured.seconds,
        "cpu_seconds": measured.cpu_seconds,
        "peak_gib": measured.peak_gib,
        "rows_per_second": round(rows / measured.seconds),
        "write_seconds": round(written["seconds"], 2),
        "write_cpu_seconds": round(written["cpu_seconds"], 2),
        "cpu_ratio": round(measured.cpu_seconds / max(written["cpu_seconds"], 1e-9), 2),
    }


def rewritten(folder: Path) -> dict[str, float]:
    """Seconds that writing the Parquet files of a delivery takes when their rows are in memory already."""
    target = folder.parent / "rewritten"
    child: Measured = measure_python(_REWRITE, str(folder), str(target))
    for path in target.iterdir():
        path.unlink()
    target.rmdir()
    told: dict[str, float] = json.loads(child.output.splitlines()[-1])
    return told

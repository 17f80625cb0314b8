"""How long the sample bank takes to write."""

from __future__ import annotations

from typing import Any

from benchmarks.banks import TRANSACTIONS_PER_CUSTOMER, delivered, generate
from benchmarks.harness import DATA, GIB, parse_size, size_name

DESCRIPTION = "write a generated bank, 20 transactions per customer; --size 0.1m (default), 1m, 10m"


def run(size: str | None) -> dict[str, Any]:
    """Writes a bank and says how fast."""
    customers = parse_size(size or "0.1m")
    folder = DATA / size_name(customers) / "data"
    counts, measured = generate(customers, folder)
    rows = sum(counts["rows"].values())
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
    }

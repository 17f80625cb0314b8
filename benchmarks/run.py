"""The main job on a generated bank: time per step, memory, and how it compares with merely reading the same files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.banks import BUSINESS_DATE, TRANSACTIONS_PER_CUSTOMER, bank, delivered, workspace
from benchmarks.harness import GIB, Measured, measure, parse_size, size_name
from benchmarks.scans import raw_scan, scan_and_write

DESCRIPTION = "`cultiva run`, 60 tags and 100 segments, beside a raw scan; --size 0.1m (default), 1m, 10m"


def run(size: str | None) -> dict[str, Any]:
    """Runs the main job once, on a fresh workspace, and measures it from outside."""
    customers = parse_size(size or "0.1m")
    data, counts = bank(customers)
    files = delivered(data)
    root = workspace(customers, data)
    scan = raw_scan(files)
    copy = scan_and_write(files, root / ".scratch")
    job = measure([str(Path(sys.executable).parent / "cultiva"), "run", str(root), "--date", BUSINESS_DATE])
    report = json.loads((root / "reports" / BUSINESS_DATE / "run.json").read_text())
    return {
        "size": size_name(customers),
        "customers": customers,
        "transactions_per_customer": TRANSACTIONS_PER_CUSTOMER,
        "input_rows": sum(counts["rows"].values()),
        "input_gib": round(sum(path.stat().st_size for path in files) / GIB, 3),
        **_shape(root),
        "steps": {step["name"]: round(step["seconds"], 2) for step in report["steps"]},
        "run_seconds": job.seconds,
        "run_cpu_seconds": job.cpu_seconds,
        "run_peak_gib": job.peak_gib,
        "lake_gib": round(_bytes(root / ".cultiva" / "lake") / GIB, 3),
        **_yardstick(job, scan, copy),
    }


def _shape(root: Path) -> dict[str, int]:
    from cultiva.definitions.loading import load_workspace

    loaded = load_workspace(root)
    return {"tags": len(loaded.tags), "segments": len(loaded.segments)}


def _yardstick(job: Measured, scan: Measured, copy: Measured) -> dict[str, float]:
    return {
        "scan_seconds": scan.seconds,
        "scan_and_write_seconds": copy.seconds,
        "ratio_to_scan": round(job.seconds / scan.seconds, 2),
        "ratio_to_scan_and_write": round(job.seconds / copy.seconds, 2),
    }


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""The main job on a generated bank: time per step, memory, and how it compares with reading its input and writing what
it writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.banks import BUSINESS_DATE, TRANSACTIONS_PER_CUSTOMER, bank, delivered, workspace
from benchmarks.harness import GIB, Measured, measure, parse_size, size_name
from benchmarks.scans import lake_tables, raw_scan, rewrite

DESCRIPTION = "`cultiva run`, 60 tags and 100 segments, beside raw scan and write; --size 0.1m (default), 1m, 10m"
GOAL = 4.0
"""Times the raw scan plus the write that the run may take."""
LATER = {
    "lifetime": ("score_lifetime",),
    "performance": ("performance",),
    "exposure": ("exposure",),
    "review": ("readout", "verdict", "flag", "learnt"),
    "features": ("feature_log",),
    "models": ("model", "score_attrition", "score_next_product"),
}
"""Steps that the goal, set for the foundation, did not have yet, and the tables that they write: they are in `run`, and
left out, with their tables, of `foundation`. (The plan has since learnt to allocate and to price: it stays whole.)"""


def run(size: str | None) -> dict[str, Any]:
    """Runs the main job once, on a fresh workspace, and measures it from outside."""
    customers = parse_size(size or "0.1m")
    data, counts = bank(customers)
    files = delivered(data)
    root = workspace(customers, data)
    scan = raw_scan([[path] for path in files])
    job = measure([str(Path(sys.executable).parent / "cultiva"), "run", str(root), "--date", BUSINESS_DATE])
    report = json.loads((root / "reports" / BUSINESS_DATE / "run.json").read_text())
    steps = {step["name"]: round(step["seconds"], 2) for step in report["steps"]}
    return {
        "size": size_name(customers),
        "customers": customers,
        "transactions_per_customer": TRANSACTIONS_PER_CUSTOMER,
        "input_rows": sum(counts["rows"].values()),
        "input_gib": round(sum(path.stat().st_size for path in files) / GIB, 3),
        **_shape(root),
        "steps": steps,
        "run_seconds": job.seconds,
        "run_cpu_seconds": job.cpu_seconds,
        "run_peak_gib": job.peak_gib,
        "lake_gib": round(_bytes(root / ".cultiva" / "lake") / GIB, 3),
        **_yardstick(job, steps, scan, root),
    }


def _shape(root: Path) -> dict[str, int]:
    from cultiva.definitions.loading import load_workspace

    loaded = load_workspace(root)
    return {"tags": len(loaded.tags), "segments": len(loaded.segments)}


def _yardstick(job: Measured, steps: dict[str, float], scan: Measured, root: Path) -> dict[str, Any]:
    """What the run is held against: its input read once, and its lake written once."""
    tables, later = lake_tables(root / ".cultiva" / "lake"), {name for names in LATER.values() for name in names}
    first = rewrite([files for name, files in tables.items() if name not in later], root / ".scratch")
    second = rewrite([files for name, files in tables.items() if name in later], root / ".scratch")
    writing, whole = first.seconds + second.seconds, scan.seconds + first.seconds + second.seconds
    cpu = scan.cpu_seconds + first.cpu_seconds + second.cpu_seconds
    foundation = job.seconds - sum(steps.get(name, 0.0) for name in LATER)
    return {
        "yardstick": "raw scan of the input, and the write of the run's own tables",
        "goal_ratio": GOAL,
        "scan_seconds": scan.seconds,
        "write_seconds": round(writing, 3),
        "scan_and_write_seconds": round(whole, 3),
        "scan_and_write_cpu_seconds": round(cpu, 2),
        "ratio_to_scan": round(job.seconds / scan.seconds, 2),
        "ratio_to_scan_and_write": round(job.seconds / whole, 2),
        "cpu_ratio_to_scan_and_write": round(job.cpu_seconds / cpu, 2),
        "foundation_seconds": round(foundation, 2),
        "foundation_scan_and_write_seconds": round(scan.seconds + first.seconds, 3),
        "foundation_ratio_to_scan_and_write": round(foundation / (scan.seconds + first.seconds), 2),
    }


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

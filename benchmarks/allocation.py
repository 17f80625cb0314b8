"""The allocation of touches beside HiGHS, OR-tools PDLP and greedy by score, each in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from benchmarks.harness import Measured, measure, parse_size, size_name

DESCRIPTION = "allocation of touches to 10k .. 5m customers, beside HiGHS, OR-tools PDLP and greedy by score"
LIMIT = float(os.environ.get("CULTIVA_BENCH_LIMIT", "900"))
"""Seconds that a peer gets; what is stopped is reported as `at least`."""
PEERS = {
    "highs_simplex": 100_000,
    "highs_ipm": 100_000,
    "pdlp": 1_000_000,
}
"""Largest size at which each peer is tried: memory beyond it does not fit this kind of machine."""


def run(size: str | None) -> dict[str, Any]:
    """Measures one size; seconds are those of the solving itself, after compilation and without building the model."""
    customers = parse_size(size or "100k")
    ours = _child("cultiva", customers)
    greedy = _child("greedy", customers)
    result: dict[str, Any] = {
        "size": size_name(customers),
        "customers": customers,
        **{name: ours[name] for name in ("candidates", "value", "bound", "gap", "seconds", "cpu_seconds", "peak_mb")},
        "again_seconds": ours["again_seconds"],
        "again_gap": ours["again_gap"],
        "evaluations": ours["evaluations"],
        "again_evaluations": ours["again_evaluations"],
        "breaches": ours["breaches"],
        "unmet": ours["unmet"],
        "greedy_value": greedy["value"],
        "greedy_loss": round(1 - greedy["value"] / ours["value"], 5),
        "peer_limit_seconds": LIMIT,
    }
    for peer, largest in PEERS.items():
        if customers <= largest:
            told = _child(peer, customers)
            result[peer] = told
            result[f"speedup_vs_{peer}"] = _ratio(told, ours["seconds"])
    return result


def _ratio(told: dict[str, Any], seconds: float) -> float | str:
    ratio = round(told["seconds"] / seconds, 1)
    return ratio if told["finished"] else f"at least {ratio}"


def _child(solver: str, customers: int) -> dict[str, Any]:
    """Runs one solver in a process of its own."""
    env = {"CULTIVA_BENCH_LIMIT": str(LIMIT)}
    command = [sys.executable, "-m", "benchmarks.allocations", solver, str(customers)]
    try:
        measured: Measured = measure(command, env=env)
    except RuntimeError as error:
        return {"finished": False, "seconds": LIMIT, "status": str(error)[-300:], "peak_mb": None}
    return {**json.loads(measured.output.splitlines()[-1]), "peak_mb": round(measured.peak_gib * 1024)}

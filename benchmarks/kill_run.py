"""Kill -9 of the main job at random moments, again and again, then a comparison with an undisturbed run."""

from __future__ import annotations

import random
import shutil
import time
from datetime import date
from typing import Any

from benchmarks.banks import BUSINESS_DATE, bank, workspace
from benchmarks.harness import parse_size, size_name

DESCRIPTION = "kill -9 at random moments of the run, then compare with an undisturbed one; --size 20k (default)"
ROUNDS = 4
KILLS_PER_ROUND = 8
SEED = 1


def run(size: str | None) -> dict[str, Any]:
    """Counts kills, results that differ, snapshots seen half-made, and leftovers."""
    from tests.stories.killing import Job, kill_after, left, leftovers, watched
    from tests.stories.workspaces import published

    customers = parse_size(size or "20k")
    data, _ = bank(customers)
    undisturbed = Job(workspace(customers, data), date.fromisoformat(BUSINESS_DATE))
    start = undisturbed.root.with_name("kill-start")
    shutil.rmtree(start, ignore_errors=True)
    shutil.copytree(undisturbed.root, start)
    began = time.perf_counter()
    undisturbed.finish()
    whole = time.perf_counter() - began
    expected = left(undisturbed)
    draw = random.Random(SEED)
    found = {"kills": 0, "mismatches": 0, "half_snapshots": 0, "leftovers": 0, "looks": 0}
    for _ in range(ROUNDS):
        job = Job(start.with_name("killed"), undisturbed.on)
        shutil.rmtree(job.root, ignore_errors=True)
        shutil.copytree(start, job.root)
        with watched(job) as reader:
            for _ in range(KILLS_PER_ROUND):
                if not kill_after(job, draw.uniform(0.1, 0.9) * whole):
                    break
                found["kills"] += 1
            else:
                job.finish()
        found["mismatches"] += left(job) != expected
        found["half_snapshots"] += len(reader.faults)
        found["leftovers"] += len(leftovers(job.root, list(published(job.root).values())))
        found["looks"] += reader.looks
    return {
        "title": "Kill -9 at random moments",
        "size": size_name(customers),
        "customers": customers,
        "rounds": ROUNDS,
        "undisturbed_seconds": round(whole, 2),
        **found,
    }

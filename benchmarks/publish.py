"""Last night's profiles into the hot store: customers a second, memory, and what is written again the next night."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.banks import BUSINESS_DATE, bank, workspace
from benchmarks.harness import measure_python, parse_size, size_name

DESCRIPTION = (
    "profiles of a night into the embedded hot store: customers/s, memory, unchanged ones; --size 0.1m (default)"
)
PEOPLE_OF_A_LARGE_BANK = 10_000_000
_NIGHT = """
import json, sys, time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from cultiva import bootstrap
from cultiva.loop import service
from cultiva.loop.daily import daily_plan
from cultiva.loop.live.nightly import live_parts, told, with_live_events
from cultiva.loop.live.publishing import publish
STEPS = ("sources", "identity", "customer", "holding", "profile", "segments")
root, day, what = Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), sys.argv[3]
with bootstrap.opened(root, overrides={"live.enabled": "true"}) as parts:
    if what == "run":
        given = with_live_events(parts, day)
        service.run(parts, day, steps=tuple(step for step in daily_plan(given, day) if step.name in STEPS))
    else:
        with live_parts(parts) as side:
            began = time.process_time()
            bases = told(publish(parts, side.live, side.hot, side.log, day))
            between = time.process_time()
            print(json.dumps({**bases, "cpu_us_per_customer": round((between - began) / bases["customers"] * 1e6, 1)}))
"""


def run(size: str | None) -> dict[str, Any]:
    """Runs a night, publishes it, publishes it again, and publishes the next night, on which nothing is delivered."""
    from datetime import date, timedelta

    customers = parse_size(size or "0.1m")
    data, _ = bank(customers)
    root = workspace(customers, data)
    first = date.fromisoformat(BUSINESS_DATE)
    second = first + timedelta(days=1)
    measure_python(_NIGHT, str(root), str(first), "run")
    found = {"first": _published(root, first), "again": _published(root, first)}
    measure_python(_NIGHT, str(root), str(second), "run")
    found["next_night"] = _published(root, second)
    once = found["first"]
    per_second = once["customers"] / once["seconds"]["write"]
    whole = once["customers"] / sum(once["seconds"].values())
    return {
        "title": "Publishing a night",
        "size": size_name(customers),
        "customers": once["customers"],
        "written_per_second": round(per_second),
        "customers_per_second": round(whole),
        "peak_gib": max(one["peak_gib"] for one in found.values()),
        "estimate_10m_minutes": round(PEOPLE_OF_A_LARGE_BANK / whole / 60, 1),
        **found,
    }


def _published(root: Any, day: Any) -> dict[str, Any]:
    measured = measure_python(_NIGHT, str(root), str(day), "publish")
    done: dict[str, Any] = json.loads(measured.output.splitlines()[-1])
    return {**done, "peak_gib": measured.peak_gib, "cpu_seconds": measured.cpu_seconds}

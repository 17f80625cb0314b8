"""How long a simulated bank takes to live a week and to deliver it."""

from __future__ import annotations

import json
import shutil
from typing import Any

from benchmarks.harness import DATA, measure_python, parse_size, size_name

DESCRIPTION = "found a living bank and let it live five weeks; --size 20k (default), 0.1m, 1m"
WEEKS = 5
_LIVE = """
import json, sys, time
from datetime import date
from pathlib import Path
import numpy as np
import pyarrow as pa
from cultiva.simbank.living import ChannelTerms, OfferTerms
from cultiva.simbank.service import found_bank
folder, customers, weeks = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
kinds = ("deposit", "loan", "card", "fund", "wealth", "insurance", "payment")
offers = [OfferTerms(f"{kind}_offer", "product", kind, 0.0) for kind in kinds]
offers += [OfferTerms(f"benefit_{n}", "benefit", None, 5.0) for n in range(13)]
channels = [ChannelTerms(name, name in ("phone", "branch"), 1.0) for name in ("app", "sms", "wecom", "phone", "branch")]
begun = time.perf_counter()
bank = found_bank(folder, "ordinary", customers=customers, seed=1, first_day=date(1994, 3, 30), offers=offers,
                  channels=channels, strategies=["one", "two"])
founded = time.perf_counter() - begun
told = []
for week in range(weeks):
    rng = np.random.default_rng(week)
    who = rng.choice(customers, customers // 10, replace=False)
    touches = pa.table({
        "source_system": pa.array(["core"] * who.size), "source_id": pa.array([f"C{n:08d}" for n in who]),
        "strategy": pa.array(["one", "two"]).take(pa.array(rng.integers(0, 2, who.size))),
        "offer": pa.array([offer.name for offer in offers]).take(pa.array(rng.integers(0, len(offers), who.size))),
        "channel": pa.array([one.name for one in channels]).take(pa.array(rng.integers(0, 5, who.size))),
    })
    begun, cpu = time.perf_counter(), time.process_time()
    bank.live_week(touches)
    told.append((time.perf_counter() - begun, time.process_time() - cpu))
later = sorted(told[1:])
print(json.dumps({"found_seconds": round(founded, 2), "first_week_seconds": round(told[0][0], 2),
                  "week_seconds": round(later[len(later) // 2][0], 2),
                  "week_cpu_seconds": round(sorted(cpu for _, cpu in told[1:])[len(later) // 2], 2)}))
"""


def run(size: str | None) -> dict[str, Any]:
    """Founds a bank, and tells the median of its weeks after the first, touches for one customer in ten."""
    customers = parse_size(size or "20k")
    folder = DATA / size_name(customers) / "living"
    shutil.rmtree(folder, ignore_errors=True)
    measured = measure_python(_LIVE, str(folder), str(customers), str(WEEKS))
    told: dict[str, float] = json.loads(measured.output.splitlines()[-1])
    shutil.rmtree(folder)
    return {"size": size_name(customers), "customers": customers, **told, "peak_gib": measured.peak_gib}

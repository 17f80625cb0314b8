"""Counting a fresh expression on the largest profile that a run has left behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.banks import BUSINESS_DATE
from benchmarks.harness import DATA, measure, measure_python, parse_size, size_name

DESCRIPTION = "`cultiva count` of a fresh expression on the largest profile present (run `run` first), or --size"
EXPRESSIONS = (
    "aum >= 50000 and stage = 'mature'",
    "age between 31 and 57 and (loan_balance > 0 or card_count >= 1) and coalesce(balance_change_share, 0) < -0.17",
    "days_between(last_login, today) > 30 and occupation in ('worker', 'clerk') and not segment('silver')",
)
_COUNT = """
import json, sys, time
from datetime import date
from pathlib import Path
from cultiva.bootstrap import opened
from cultiva.contracts.sight import EVERYBODY
from cultiva.loop.questions import count
on = date.fromisoformat(sys.argv[2])
done = []
with opened(Path(sys.argv[1]), overrides={}) as parts:
    for text in json.loads(sys.argv[3]):
        times = []
        for _ in range(2):
            began = time.perf_counter()
            found = count(parts, text, on, sight=EVERYBODY).count
            times.append(round(time.perf_counter() - began, 4))
        done.append({"expression": text, "count": found, "first_seconds": times[0], "again_seconds": times[1]})
print(json.dumps(done))
"""


def run(size: str | None) -> dict[str, Any]:
    """Counts in a child process, each expression twice, and once more as a command."""
    root = DATA / size_name(parse_size(size)) / "workspace" if size else _largest()
    customers = parse_size(root.parent.name)
    counted = measure_python(_COUNT, str(root), BUSINESS_DATE, json.dumps(EXPRESSIONS))
    program = str(Path(sys.executable).parent / "cultiva")
    command = measure([program, "count", str(root), EXPRESSIONS[0], "--date", BUSINESS_DATE])
    return {
        "size": size_name(customers),
        "customers": customers,
        "expressions": json.loads(counted.output.splitlines()[-1]),
        "peak_gib": counted.peak_gib,
        "command_seconds": command.seconds,
    }


def _largest() -> Path:
    found = [path.parents[1] for path in DATA.glob("*/workspace/.cultiva/lake")]
    if not found:
        raise SystemExit("no profile yet: python -m benchmarks run --size 0.1m")
    return max(found, key=lambda root: parse_size(root.parent.name))

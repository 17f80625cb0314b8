"""Counting a fresh expression on the largest profile that a run has left behind: in process, as a command, and as the
console's editor asks while somebody types.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from benchmarks.banks import BUSINESS_DATE
from benchmarks.console import CULTIVA, SETTINGS, TOKEN, serving
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
    command = measure([CULTIVA, "count", str(root), EXPRESSIONS[0], "--date", BUSINESS_DATE])
    return {
        "size": size_name(customers),
        "customers": customers,
        "expressions": json.loads(counted.output.splitlines()[-1]),
        "peak_gib": counted.peak_gib,
        "command_seconds": command.seconds,
        "typed": typed(root),
    }


def typed(root: Path) -> list[dict[str, Any]]:
    """An analyst of the console types each expression, a letter more at a time at its end: seconds of each answer.

    Every prefix that is a whole rule is a fresh expression for the server; the first answer also opens the workspace.
    """
    import httpx

    options = [part for name, value in SETTINGS.items() for part in ("--set", f"{name}={value}")]
    command = [CULTIVA, "serve", str(root), "--workers", "1", "--port", "{port}", *options]
    found = []
    with serving(command, "/login") as (port, _):
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies={"cultiva": _session(root)}, timeout=120)
        token = TOKEN.search(http.get("/groups/try").content)
        assert token is not None
        for text in EXPRESSIONS:
            waits, answers = [], set()
            for letters in range(len(text) - 3, len(text) + 1):
                began = time.perf_counter()
                answer = http.post(
                    "/groups/check", data={"csrf": token[1].decode(), "rule": text[:letters], "caret": letters}
                )
                waits.append(round(time.perf_counter() - began, 4))
                answers.add(answer.raise_for_status().status_code)
            shown = re.sub(r"<[^>]+>|\s+", " ", answer.text)
            assert answers == {200} and re.search(r"\d", shown), shown
            found.append({"expression": text, "first_seconds": waits[0], "whole_rule_seconds": waits[-1]})
    return found


def _session(root: Path) -> str:
    """A session of an analyst who sees the whole bank."""
    from cultiva import bootstrap
    from cultiva.execution.access.doors import DoorRules, Doors, NewUser
    from cultiva.execution.access.roles import Role
    from cultiva.kit.clock import utc_now

    password, login = "green-hill-river-77", f"bench{time.time_ns()}"
    with bootstrap.opened(root) as parts:
        doors = Doors(parts.store.database, DoorRules(second_for=frozenset()))
        user = NewUser(login, "Bench", frozenset({Role.ANALYST}))
        doors.create(user, password, by="bench", at=utc_now(), once=False)
        return doors.enter(login, password, at=utc_now(), address="127.0.0.1").token


def _largest() -> Path:
    found = [path.parents[1] for path in DATA.glob("*/workspace/.cultiva/lake")]
    if not found:
        raise SystemExit("no profile yet: python -m benchmarks run --size 0.1m")
    return max(found, key=lambda root: parse_size(root.parent.name))

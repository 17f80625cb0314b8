"""The kill test: three workers send over real SMTP and HTTP simulators and are killed with -9 at random moments.

The simulators misbehave: they are slow, busy, and break connections before and after accepting. What counts is their
own record of what they accepted, beside what the outbox says in the end.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from benchmarks.harness import parse_size, size_name
from benchmarks.stores import STORES, empty_store

DESCRIPTION = "dispatch under kill -9 of its workers, SQLite and PostgreSQL; --size 100k messages (default)"
MESSAGES_PER_KILL = 400
"""With 100,000 messages 250 kills."""
PAUSE_SECONDS = (0.05, 0.6)
"""Between kills."""


def run(size: str | None) -> dict[str, Any]:
    """Sends everything on both stores under kills, and counts who was lost or doubled."""
    from tests.stories.dispatching import BEHAVIOUR

    messages = parse_size(size or "100k")
    found = {}
    for name in STORES:
        found[name] = _under_kills(name, messages)
        print(name, found[name], file=sys.stderr)
    totals = {count: sum(one[count] for one in found.values()) for count in ("kills", "lost", "doubled", "unknown")}
    why = {count: sum(one[count] for one in found.values()) for count in ("unknown_dropped", "unknown_killed")}
    return {
        "title": "Dispatch under kill -9",
        "size": size_name(messages),
        "messages": messages,
        "workers": 3,
        "misbehaviour": dict(BEHAVIOUR),
        **totals,
        **why,
        "stores": found,
    }


def _under_kills(name: str, messages: int) -> dict[str, Any]:
    from tests.stories.dispatching import Ground, dispatch_under_kills

    from cultiva.store import open_store

    with empty_store(name) as (url, folder):
        open_store(url, folder).close()
        record = folder / "record"
        record.mkdir()
        kills = max(messages // MESSAGES_PER_KILL, 3)
        ground = Ground(url, folder, messages=messages, batch=40)
        outcome = dispatch_under_kills(ground, record, kills=kills, pause_seconds=PAUSE_SECONDS)
    counts = ("lost", "doubled", "unknown", "unknown_dropped", "unknown_killed", "unknown_arrived", "untrue")
    totals = {count: outcome.total(count) for count in counts}
    channels = {channel: asdict(one) for channel, one in outcome.channels.items()}
    return {"kills": outcome.kills, **totals, "seconds": outcome.seconds, "channels": channels}

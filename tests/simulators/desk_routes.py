"""Routes that every simulator has: how it misbehaves, what it is to report, and its reports."""

from __future__ import annotations

import asyncio

from tests.simulators.command import Desk
from tests.simulators.http import DROPPED, Answer, Request


def common(desk: Desk, request: Request) -> Answer | None:
    """Answers `/misbehave`, `/tell`, `/reports`, `/count`; None: not such a route."""
    if request.path == "/misbehave":
        desk.moods.change(request.body.decode())
        return Answer(200, {})
    if request.path == "/tell":
        desk.reports.tell(**request.json())
        return Answer(200, {})
    if request.path == "/reports":
        found, cursor = desk.reports.after(int(request.query.get("after") or "0"))
        return Answer(200, {"reports": found, "next": str(cursor)})
    if request.path == "/count":
        return Answer(200, {"accepted": len(desk.record.accepted)})
    return None


def traced(desk: Desk, key: str) -> Answer:
    """What became of a key: 200 with the reference, 404 never seen, 501 where nobody may ask."""
    if not desk.moods.now.look_up:
        return Answer(501, {"error": "no look-up"})
    reference = desk.record.accepted.get(key)
    return Answer(404, {"error": "unknown"}) if reference is None else Answer(200, {"id": reference, "key": key})


async def before(desk: Desk, drawn: frozenset[str]) -> Answer | None:
    """What happens before a message is accepted; None: it is."""
    if "slow" in drawn:
        await asyncio.sleep(desk.moods.now.slow_seconds)
    if "drop_before" in drawn:
        return DROPPED
    if "refuse" in drawn:
        return Answer(422, {"error": "invalid number"})
    if "busy" in drawn:
        return Answer(429, {"error": "too many requests"}, {"retry-after": f"{desk.moods.now.busy_seconds:g}"})
    return None

"""A push service that apprise's `json://` speaks to: `POST /push/<device>` {"title", "message"}; no look-up."""

from __future__ import annotations

from functools import partial

from tests.simulators.command import Desk, run
from tests.simulators.desk_routes import before, common
from tests.simulators.http import DROPPED, Answer, Request, serve


async def start(desk: Desk) -> dict[str, int]:
    """Opens the socket."""
    port = await serve(partial(handle, desk), port=desk.given.port)
    return {"port": port, "http_port": port}


async def handle(desk: Desk, request: Request) -> Answer:
    """Answers one request."""
    if not request.path.startswith("/push/"):
        return common(desk, request) or Answer(404, {"error": "no such route"})
    device = request.path.removeprefix("/push/")
    key = request.headers.get("idempotency-key", device)
    drawn = desk.moods.drawn(key)
    answer = await before(desk, drawn)
    if answer is not None:
        return answer
    desk.accept(key, device, body=request.json())
    return DROPPED if "drop_after" in drawn else Answer(200, {})


if __name__ == "__main__":
    run(start, options=lambda parser: parser)

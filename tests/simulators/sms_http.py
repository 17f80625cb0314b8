"""An SMS gateway over HTTP, as most are: a message is posted with an idempotency key, and can be looked up by it.

`POST /messages` {"to", "text"} with the header Idempotency-Key; `GET /messages/{key}`; `GET /reports?after=`.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from functools import partial

from tests.simulators.command import Desk, run
from tests.simulators.desk_routes import before, common, traced
from tests.simulators.http import DROPPED, Answer, Request, serve


async def start(desk: Desk) -> dict[str, int]:
    """Opens the socket."""
    port = await serve(partial(handle, desk), port=desk.given.port)
    return {"port": port, "http_port": port}


async def handle(desk: Desk, request: Request) -> Answer:
    """Answers one request."""
    if request.path == "/messages" and request.method == "POST":
        return await take(desk, request)
    if request.path.startswith("/messages/"):
        return traced(desk, request.path.removeprefix("/messages/"))
    return common(desk, request) or Answer(404, {"error": "no such route"})


async def take(desk: Desk, request: Request) -> Answer:
    """Takes one message, unless it is in another mood."""
    token = desk.given.token
    if token and request.headers.get("authorization") != f"Bearer {token}":
        return Answer(401, {"error": "not authorised"})
    body, key = request.json(), request.headers.get("idempotency-key", "")
    drawn = desk.moods.drawn(key)
    answer = await before(desk, drawn)
    if answer is not None:
        return answer
    known = desk.record.accepted.get(key) if key and desk.moods.now.idempotent else None
    reference = known or desk.accept(key, str(body["to"]), body=body)
    if desk.given.answer:
        return Answer(200, json.loads(desk.given.answer))
    return DROPPED if "drop_after" in drawn else Answer(200, {"id": reference, "status": "accepted"})


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--token", default="", help="demanded as a bearer token")
    parser.add_argument("--answer", default="", help="JSON that every message is answered with, at 200")


if __name__ == "__main__":
    run(start, options=_options)

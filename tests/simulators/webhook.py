"""A receiver of signed webhooks: the contract, written here once more; a key is taken once."""

from __future__ import annotations

import hashlib
import hmac
import time
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
    if request.path.startswith("/hook"):
        if not signed(desk.given.secret, request):
            return Answer(401, {"error": "wrong signature"})
        if request.method == "GET":
            return traced(desk, request.path.removeprefix("/hook/"))
        return await take(desk, request)
    return common(desk, request) or Answer(404, {"error": "no such route"})


async def take(desk: Desk, request: Request) -> Answer:
    """Takes one message, unless it is in another mood."""
    body = request.json()
    drawn = desk.moods.drawn(body["key"])
    answer = await before(desk, drawn)
    if answer is not None:
        return answer
    known = desk.record.accepted.get(body["key"]) if desk.moods.now.idempotent else None
    reference = known or desk.accept(body["key"], body["address"], body=body)
    return DROPPED if "drop_after" in drawn else Answer(202, {"id": reference})


def signed(secret: str, request: Request) -> bool:
    """HMAC-SHA256 over `timestamp.key.body`, at most five minutes old."""
    stamp, key = request.headers.get("cultiva-timestamp", "0"), request.headers.get("idempotency-key", "")
    wanted = hmac.new(secret.encode(), f"{stamp}.{key}.".encode() + request.body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(stamp)) <= 300 and request.headers.get("cultiva-signature") == f"v1={wanted}"


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--secret", default="secret")


if __name__ == "__main__":
    run(start, options=_options)

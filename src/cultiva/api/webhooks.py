"""Webhooks: providers report what became of messages; CHANNELS checks the signature and reads, dispatch takes it in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from cultiva.api.desk import desk_of
from cultiva.api.errors import problems
from cultiva.api.guard import read_body, too_large
from cultiva.api.shapes import Shape
from cultiva.api.wiring import RawReport

routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
_BODY = {"required": True, "content": {"application/json": {"schema": {}}}}
_SIGNED = [
    {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("Cultiva-Timestamp", "Seconds since 1970, at most 300 from now."),
        ("Cultiva-Signature", "`v1=<hex of HMAC-SHA256 over timestamp.key.body>`, several parted by commas."),
    )
]


class ReportsTaken(Shape):
    """A webhook was taken in."""

    new: int
    """Reports seen for the first time."""
    repeated: int
    """Reports taken before."""


@routes.post(
    "/{provider}",
    status_code=202,
    response_model=ReportsTaken,
    responses=problems(404, 413),
    openapi_extra={"parameters": _SIGNED, "requestBody": _BODY},
)
async def webhook(
    provider: Annotated[str, Path(max_length=63, description="Name of a provider.", examples=["sms"])], request: Request
) -> Response | ReportsTaken:
    """Take a provider's reports in, if they are signed as agreed. Repeats are harmless: each report counts once."""
    desk = desk_of(request)
    body = await read_body(request)
    if body is None:
        return too_large(request)
    report = RawReport(provider, dict(request.headers), dict(request.query_params), body, desk.now())
    taken = await run_in_threadpool(desk.wiring.take_reports, report)
    return ReportsTaken(new=taken.new, repeated=taken.repeated)

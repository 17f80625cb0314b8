"""Webhooks: providers report what became of messages; CHANNELS checks the signature and reads, dispatch takes it in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from cultiva.api.desk import Desk, desk_of
from cultiva.api.errors import problems
from cultiva.api.guard import read_body, too_large
from cultiva.api.shapes import Shape
from cultiva.api.wiring import RawReport
from cultiva.execution.dispatch.reports.matching import Taken

routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Provider = Annotated[str, Path(max_length=63, description="Name of a provider.", examples=["sms"])]
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


_SEALED = [
    {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("msg_signature", "WeCom: SHA-1 over token, timestamp, nonce and what is sealed."),
        ("timestamp", "WeCom: seconds since 1970, at most 300 from now."),
        ("nonce", "WeCom: a random text."),
    )
]
_ECHO = {"name": "echostr", "in": "query", "required": False, "schema": {"type": "string"},
         "description": "WeCom: a sealed text that is to come back open."}  # fmt: skip
_OPEN: dict[int | str, dict[str, Any]] = {
    200: {"description": "What was sealed.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
_EMPTY: dict[int | str, dict[str, Any]] = {
    200: {"description": "WeCom: taken.", "content": {"text/plain": {"schema": {"type": "string", "maxLength": 0}}}}
}


@routes.get(
    "/{provider}",
    response_class=PlainTextResponse,
    responses={**_OPEN, **problems(404)},
    openapi_extra={"parameters": [*_SEALED, _ECHO]},
)
def proof(provider: Provider, request: Request) -> PlainTextResponse:
    """Prove to WeCom that this address is ours, before it posts events here."""
    desk = desk_of(request)
    return PlainTextResponse(desk.wiring.echo(provider, dict(request.query_params), desk.now()))


@routes.post(
    "/{provider}",
    status_code=202,
    response_model=ReportsTaken,
    responses={**_EMPTY, **problems(404, 413)},
    openapi_extra={"parameters": [*_SIGNED, *_SEALED], "requestBody": _BODY},
)
async def webhook(provider: Provider, request: Request) -> Response | ReportsTaken:
    """Take a provider's reports in, if they are signed as agreed. Repeats are harmless: each report counts once.

    WeCom posts sealed events and is answered with 200 and nothing, as it demands.
    """
    desk = desk_of(request)
    body = await read_body(request)
    if body is None:
        return too_large(request)
    report = RawReport(provider, dict(request.headers), dict(request.query_params), body, desk.now())
    taken, sealed = await run_in_threadpool(_take, desk, report)
    if sealed:
        return PlainTextResponse("")
    return ReportsTaken(new=taken.new, repeated=taken.repeated)


def _take(desk: Desk, report: RawReport) -> tuple[Taken, bool]:
    """What was taken, and whether it came sealed: both by the same definitions, which may be read again for it."""
    wiring = desk.wiring
    return wiring.take_reports(report), wiring.sealed(report.provider)

"""Webhooks: providers report what became of messages; a report is taken only if its signature is right.

Signatures follow the Standard Webhooks convention (standardwebhooks.com): `webhook-id`, `webhook-timestamp`, and in
`webhook-signature` one or more `v1,<base64 of HMAC-SHA256 over id.timestamp.body>`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from cultiva.api.desk import RawReport, desk_of
from cultiva.api.errors import answer, plain_problem, problems
from cultiva.api.guard import read_body, too_large
from cultiva.api.shapes import Shape

TOLERANCE_SECONDS = 300
"""How old a report's time may be; an older one may be somebody's repeat of what was overheard."""
SECRET_PREFIX = "whsec_"  # noqa: S105  (the convention's prefix)
routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


class ReportsTaken(Shape):
    """A webhook was taken in."""

    reports: int
    """Reports that were in it; those known already are counted too."""


_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("webhook-id", "The provider's id of this call."),
        ("webhook-timestamp", "Seconds since 1970."),
        ("webhook-signature", "`v1,<base64>`, several separated by blanks."),
    )
]
_BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


@routes.post(
    "/{provider}",
    status_code=202,
    response_model=ReportsTaken,
    responses=problems(404, 413),
    openapi_extra={"parameters": _HEADERS, "requestBody": _BODY},
)
async def webhook(
    provider: Annotated[str, Path(max_length=63, description="Name of a provider.", examples=["sms"])], request: Request
) -> Response | ReportsTaken:
    """Take a provider's report in. Repeats are harmless: every report counts once."""
    desk = desk_of(request)
    secret, take = desk.wiring.webhook_secrets.get(provider), desk.wiring.take_report
    if secret is None or take is None:
        told = plain_problem(404, "api.no_provider", "no reports are taken from this provider")
        return answer(request, told)
    body = await read_body(request)
    if body is None:
        return too_large(request)
    if not signed(request.headers, body, secret, at=desk.now()):
        told = plain_problem(
            401, "api.bad_signature", "the signature is missing, wrong or old",
            allowed="webhook-id, webhook-timestamp, webhook-signature as of standardwebhooks.com",
        )  # fmt: skip
        return answer(request, told)
    report = RawReport(provider, dict(request.headers), dict(request.query_params), body, desk.now())
    return ReportsTaken(reports=await run_in_threadpool(take, report))


def sign(webhook_id: str, at: datetime, body: bytes, secret: str) -> str:
    """The signature of a report, as a provider makes it.

    Args:
        webhook_id: The provider's id of the call.
        at: When it is made; whole seconds count.
        body: As it is sent.
        secret: Shared; `whsec_` and base64, or any text.
    """
    told = b".".join([webhook_id.encode(), str(int(at.timestamp())).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(_key(secret), told, hashlib.sha256).digest()).decode()}"


def signed(headers: Mapping[str, str], body: bytes, secret: str, *, at: datetime) -> bool:
    """Whether a report is the provider's own, and recent.

    Args:
        headers: Of the call, any case.
        body: As it came.
        secret: Shared with the provider.
        at: The present instant.
    """
    webhook_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not webhook_id or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        return False
    if abs(at.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    right = sign(webhook_id, datetime.fromtimestamp(int(stamp), UTC), body, secret).encode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(right, one.encode()) for one in given)


def _key(secret: str) -> bytes:
    if secret.startswith(SECRET_PREFIX):
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return secret.encode()

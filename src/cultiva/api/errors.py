"""Errors as RFC 9457 problem details."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ConfigDict, Field
from starlette.exceptions import HTTPException

from cultiva.api.shapes import Shape
from cultiva.kit.errors import CultivaError, Fault, Faults
from cultiva.kit.http import STATUS
from cultiva.kit.masking import mask_text

MEDIA_TYPE = "application/problem+json"
"""Of every error."""
RETRY_SECONDS = 5
"""What is told to whom something was unavailable."""
SEEN_MAX = 200
"""Characters of a value that are shown."""


class ProblemFault(Shape):
    """One of several faults."""

    place: str
    """Where: a member of the request, or line and column of a rule."""
    code: str
    message: str
    seen: str = ""
    allowed: str = ""
    hint: str = ""


class Problem(Shape):
    """What went wrong (RFC 9457): what failed, the value seen, what was allowed, what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:cultiva:problem:loop.no_segment",
                    "title": "there is no such segment",
                    "status": 404,
                    "code": "loop.no_segment",
                    "instance": "urn:cultiva:request:5f0c8b1e",
                    "seen": "payrol",
                    "allowed": "one of 30 segments",
                    "hint": "did you mean 'payroll'?",
                }
            ]
        }
    )

    type: str
    """Names the kind of problem; `urn:cultiva:problem:` and the code."""
    title: str
    """What failed, in one sentence."""
    status: int = Field(ge=400, le=599)
    """HTTP status."""
    code: str
    """Stable dotted name for programs."""
    instance: str = ""
    """The request, as it stands in the log."""
    detail: str = ""
    """Everything above in one text."""
    seen: str = ""
    """The value seen; personal data masked."""
    allowed: str = ""
    """What was allowed instead."""
    hint: str = ""
    """What to do."""
    faults: list[ProblemFault] = []
    """All faults, where there may be several."""


def problem_of(error: CultivaError) -> Problem:
    """An error as a problem; personal data in it is masked once more."""
    faults = [_fault(one) for one in error.faults] if isinstance(error, Faults) else []
    return Problem(
        type=f"urn:cultiva:problem:{error.code}",
        title=mask_text(error.message),
        status=STATUS[error.kind],
        code=error.code,
        detail=mask_text(str(error)),
        seen="" if error.seen is None else mask_text(str(error.seen)[:SEEN_MAX]),
        allowed=error.allowed,
        hint=error.hint,
        faults=faults,
    )


def plain_problem(status: int, code: str, title: str, *, seen: str = "", allowed: str = "", hint: str = "") -> Problem:
    """A problem of the protocol itself: no key, no such path, too much at once."""
    kind = f"urn:cultiva:problem:{code}"
    return Problem(type=kind, title=title, status=status, code=code, seen=seen, allowed=allowed, hint=hint)


def answer(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem as a response."""
    name = getattr(request.state, "request_id", "")
    told = problem.model_copy(update={"instance": f"urn:cultiva:request:{name}" if name else ""})
    content = told.model_dump(mode="json", exclude_defaults=True)
    extra = dict(headers or {})
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        extra.setdefault("Retry-After", str(RETRY_SECONDS))
    return JSONResponse(content, status_code=problem.status, headers=extra, media_type=MEDIA_TYPE)


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to come again: whole seconds, at least one."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def register(app: FastAPI) -> None:
    """Makes every error of an application a problem."""
    app.add_exception_handler(CultivaError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CultivaError)
    return answer(request, problem_of(error))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [_invalid(one) for one in error.errors()]
    title = f"the request has {len(faults)} fault{'' if len(faults) == 1 else 's'}"
    told = plain_problem(422, "api.invalid", title, hint="see /openapi.json for what is allowed")
    return answer(request, told.model_copy(update={"faults": faults}))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST:  # what FastAPI says of a body in no known encoding
        return answer(request, plain_problem(422, "api.bad_body", "the body cannot be read", allowed="JSON in UTF-8"))
    phrase = HTTPStatus(error.status_code).phrase.lower()
    told = plain_problem(error.status_code, f"api.{phrase.replace(' ', '_')}", phrase, hint="see /openapi.json")
    return answer(request, told, error.headers)


async def _on_fault(request: Request, _error: Exception) -> Response:
    """A fault of ours: the log has it, the caller gets its number and nothing of its inside."""
    return answer(request, plain_problem(500, "api.fault", "this is a fault of Cultiva", hint="tell us the instance"))


def _fault(one: Fault) -> ProblemFault:
    place = one.place() or (f"line {one.line}, column {one.column}" if one.line else "")
    seen = mask_text(one.seen[:SEEN_MAX])
    return ProblemFault(
        place=place, code=one.code, message=mask_text(one.message), seen=seen, allowed=one.allowed, hint=one.hint
    )


def _invalid(one: Mapping[str, Any]) -> ProblemFault:
    """A fault that pydantic found; the value itself is not repeated, it may be personal."""
    where: Sequence[Any] = one.get("loc", ())
    return ProblemFault(
        place=".".join(str(part) for part in where), code=f"api.{one.get('type', 'invalid')}", message=one["msg"]
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for the OpenAPI document."""
    always = (401, 403, 422, 429, 503)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*always, *statuses})
    }

"""Decisions for one customer, now: the app asks what a slot shows, a desk what to say; both say what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cultiva.api.desk import desk_of
from cultiva.api.errors import answer, plain_problem, problems
from cultiva.api.guard import _BEARER, SCOPE
from cultiva.api.hot import HotGate, HotPath, Refused, hot_answer
from cultiva.api.shapes import Shape
from cultiva.execution.access.keys import Scope
from cultiva.loop.live.asking import BATCH_MAX, Asked, Batch, Reports
from cultiva.loop.live.deciding import Deciding

BYTES_MAX = 1024 * 1024
"""Largest body."""
INLINE_MAX = 4
"""So many customers are decided on without giving others a turn."""
_JSON = msgspec.json.Encoder()
_ASKED, _BATCH, _REPORTS = msgspec.json.Decoder(Asked), msgspec.json.Decoder(Batch), msgspec.json.Decoder(Reports)


class ProposalShape(Shape):
    """What is proposed."""

    strategy: str
    offer: str
    channel: str
    worth: float
    """What it is expected to bring after its cost, in money."""
    worth_by: str
    """`prior`, `learnt`, or the name of a model."""
    charge: float = 0.0
    """What it costs of scarce resources at this moment's prices, in money."""
    touch_id: str = ""
    """Of the touch that is held for whoever asked: report it done, or give it back."""
    held_until: datetime | None = None
    cost: float = 0.0
    """What it is expected to cost, in money: say it again in the report that it was shown."""


class ReasonShape(Shape):
    """Why a candidate was chosen or lost."""

    strategy: str
    offer: str
    fate: str
    text: str


class AnswerShape(Shape):
    """The answer."""

    decision_id: str
    customer: int
    proposals: list[ProposalShape]
    neutral: bool = False
    """Nobody could say; `degraded` says why."""
    content: str = ""
    """What the slot shows when there is nothing to propose."""
    degraded: list[str] = []
    """no_model, no_profile, stale_profile, store_down, hot_down, unrecorded."""
    reasons: list[ReasonShape] | None = None


class AnswersShape(Shape):
    """The answers, in the order asked."""

    answers: list[AnswerShape]


class TakenShape(Shape):
    """Reports were taken."""

    taken: int = Field(ge=0)


async def _deciding(gate: HotGate) -> Deciding:
    """Who decides in this process; the first request opens."""
    found = gate.desk.opened_deciding
    return found if found is not None else await run_in_threadpool(lambda: gate.desk.deciding)


async def _one(request: Request, body: bytes, gate: HotGate) -> Response:
    key = await gate.admit(request, Scope.DECIDE)
    asked: Asked = _read(request, _ASKED, body)
    deciding = await _deciding(gate)
    if asked.channel:  # a touch is held in the store
        return _told(await run_in_threadpool(deciding.decide, asked, key.name, sight=key.sight))
    return _told(deciding.decide(asked, key.name, sight=key.sight))


async def _several(request: Request, body: bytes, gate: HotGate) -> Response:
    key = await gate.admit(request, Scope.DECIDE)
    batch: Batch = _read(request, _BATCH, body)
    if len(batch.asked) > BATCH_MAX:
        told = plain_problem(
            422, "api.bad_body", "too many at once", seen=str(len(batch.asked)), allowed=f"up to {BATCH_MAX}"
        )
        raise Refused(answer(request, told))
    deciding = await _deciding(gate)

    def all_() -> list[Any]:
        return [deciding.decide(one, key.name, sight=key.sight) for one in batch.asked]

    inline = len(batch.asked) <= INLINE_MAX and not any(one.channel for one in batch.asked)
    return _told({"answers": all_() if inline else await run_in_threadpool(all_)})


async def _report(request: Request, body: bytes, gate: HotGate) -> Response:
    key = await gate.admit(request, Scope.DECIDE)
    found: Reports = _read(request, _REPORTS, body)
    deciding = await _deciding(gate)
    return _told({"taken": await run_in_threadpool(deciding.report, found.reports, sight=key.sight)}, status=202)


def _read(request: Request, decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:  # says which member, and no value
        seen = str(error)[:120]
    except (msgspec.DecodeError, UnicodeDecodeError):
        seen = f"{len(body)} bytes that are no JSON"
    told = plain_problem(
        422, "api.bad_body", "the body cannot be read", seen=seen, allowed="as in /openapi.json", hint="see the guide"
    )
    raise Refused(answer(request, told))


def _told(found: Any, *, status: int = 200) -> Response:
    return Response(_JSON.encode(found), status, media_type="application/json")


PATHS = {
    "/v1/decide": HotPath(Scope.DECIDE, BYTES_MAX, _one),
    "/v1/decide/batch": HotPath(Scope.DECIDE, BYTES_MAX, _several),
    "/v1/decide/reports": HotPath(Scope.DECIDE, BYTES_MAX, _report),
}
"""Paths that are answered before the framework."""
hot_routes = APIRouter(prefix="/v1", tags=["decide"], dependencies=[Depends(_BEARER)])


def _schema(kind: Any) -> dict[str, Any]:
    """The schema of a request, whole: requests stand in the document without names of their own."""
    (found,), parts = msgspec.json.schema_components([kind], ref_template="#/{name}")
    return _resolved(found, parts)


def _resolved(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            return _resolved(parts[node["$ref"].removeprefix("#/")], parts)
        return {name: _resolved(value, parts) for name, value in node.items() if name != "title"}
    return [_resolved(one, parts) for one in node] if isinstance(node, list) else node


def _document(path: str, kind: Any, shape: Any, about: str, status: int = 200) -> None:
    body = {"required": True, "content": {"application/json": {"schema": _schema(kind)}}}

    async def send(request: Request) -> Response:
        """As before the framework, if it is reached through it."""
        return await hot_answer(request, PATHS[f"/v1{path}"], HotGate(desk_of(request)))

    hot_routes.add_api_route(
        path,
        send,
        methods=["POST"],
        name=path.strip("/").replace("/", "_"),
        status_code=status,
        response_model=shape,
        summary=about.partition(".")[0],
        description=about,
        responses=problems(404, 413),
        openapi_extra={SCOPE: Scope.DECIDE.value, "requestBody": body},
    )


_document(
    "/decide", Asked, AnswerShape,
    "Decide what a customer gets now, in a slot or over a channel. A touch over a channel is held for the caller.",
)  # fmt: skip
_document(
    "/decide/batch", Batch, AnswersShape, "Decide for several customers at once. The answers come in their order."
)
_document(
    "/decide/reports", Reports, TakenShape,
    "Report what became of proposals: shown, clicked, dismissed, converted, done, given back. Repeats are harmless.",
    202,
)  # fmt: skip

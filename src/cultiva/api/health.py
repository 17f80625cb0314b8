"""Health, readiness and metrics, for those who run the API; no key is needed, nothing personal is in them."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from cultiva.api.desk import Desk, desk_of
from cultiva.api.errors import problems
from cultiva.api.observing import CONTENT_TYPE, exposition
from cultiva.api.shapes import Shape
from cultiva.engine.parquet import part_files
from cultiva.kit.errors import CultivaError, ErrorKind

routes = APIRouter(tags=["operation"])
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "OpenMetrics text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


class Health(Shape):
    """The process answers."""

    status: str = "ok"


class Ready(Shape):
    """Store and lake answer."""

    status: str = "ok"
    store: str
    """Its address without a password."""
    newest_date: date | None
    """Of the newest run; null: there has been none."""
    definitions: str
    """Version of the workspace's definitions that this process has loaded."""


@routes.get("/health")
async def health() -> Health:
    """Whether the process lives; asks nothing of store and lake."""
    return Health()


@routes.get("/ready", responses={503: problems()[503]})
def ready(request: Request) -> Ready:
    """Whether store and lake answer: send requests only then."""
    desk = desk_of(request)
    return Ready(store=desk.parts.store.address, newest_date=_newest(desk), definitions=desk.parts.workspace.version)


@routes.get("/metrics", response_class=Response, responses=_TEXT)
def metrics(request: Request) -> Response:
    """Prometheus metrics of all workers of this machine, and counts of deliveries, tasks and launches in the store."""
    return Response(exposition() + desk_of(request).counts.exposition(), media_type=CONTENT_TYPE)


def _newest(desk: Desk) -> date | None:
    """The newest profile's date; its files must be there.

    Raises:
        CultivaError: if the store or the lake does not answer.
    """
    found = desk.parts.store.snapshots.latest("profile")
    if found is None:
        return None
    try:
        part_files([desk.parts.lake.folder(found)])
    except (CultivaError, OSError) as error:
        raise CultivaError(
            "the lake cannot be read",
            code="api.lake_unavailable",
            kind=ErrorKind.UNAVAILABLE,
            seen=found.business_date,
            allowed="the folder of the newest profile",
            hint="see that the lake's storage is there",
        ) from error
    return found.business_date

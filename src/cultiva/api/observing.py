"""What is seen of every request: a line in the log, and numbers for Prometheus; never a query, a body or a customer."""

from __future__ import annotations

import os
import uuid
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cultiva.kit.clock import seconds

__all__ = ["CONTENT_TYPE", "Observed", "exposition"]

SEVERAL = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which the workers of one machine add up their numbers."""
REGISTRY = CollectorRegistry()
"""Of this process; apart from the default one, so that a program that embeds the API keeps its own."""
ANSWERED = Histogram(
    "cultiva_api_request_seconds",
    "Time to answer a request.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
REFUSED = Counter("cultiva_api_refused_total", "Requests refused by the guard.", ["status"], registry=REGISTRY)
WORKING = Gauge("cultiva_api_requests_open", "Requests being answered.", registry=REGISTRY, multiprocess_mode="livesum")
GUARD_STATUSES = (401, 403, 429)
REQUEST_ID = b"x-request-id"
_LOG = structlog.get_logger("cultiva.api")


class Observed:
    """Wraps an application: every request gets an id, a line in the log and its place in the metrics.

    Args:
        app: What is wrapped.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = seconds(), [500]
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                message["headers"] = [*message.get("headers", []), (REQUEST_ID, request_id.encode())]
            await send(message)

        WORKING.inc()
        try:
            await self._app(scope, receive, sent)
        except Exception:
            _LOG.exception("fault", request=request_id, route=route_of(scope))
            raise
        finally:
            WORKING.dec()
            _tell(scope, request_id, status[0], seconds() - begin)


def route_of(scope: MutableMapping[str, Any]) -> str:
    """The path as the route is written, so that no customer's id stands in it; empty if there is no such route."""
    return str(getattr(scope.get("route"), "path_format", None) or getattr(scope.get("route"), "path", ""))


def exposition() -> bytes:
    """The metrics as Prometheus reads them: of all workers if there are several."""
    if SEVERAL not in os.environ:
        return generate_latest(REGISTRY)
    from prometheus_client.multiprocess import MultiProcessCollector

    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def _tell(scope: Scope, request_id: str, status: int, took: float) -> None:
    route, method = route_of(scope) or "none", str(scope["method"])
    if route == "none" and method not in {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"}:
        method = "other"  # whatever a stranger types must not become a label
    ANSWERED.labels(method, route, str(status)).observe(took)
    if status in GUARD_STATUSES:
        REFUSED.labels(str(status)).inc()
    caller = scope["state"].get("caller")
    peer = scope.get("client")
    _LOG.info(
        "request",
        request=request_id,
        method=method,
        route=route,
        status=status,
        took_ms=round(took * 1000, 1),
        key=getattr(caller, "key_id", ""),
        caller=getattr(caller, "name", ""),
        peer=peer[0] if peer else "",
    )

"""The application: every resource of the API over one opened workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from cultiva.api import (
    consent,
    customers,
    decide,
    errors,
    events,
    exports,
    halts,
    health,
    launches,
    links,
    outcomes,
    people,
    segments,
    strategies,
    tasks,
    webhooks,
)
from cultiva.api.desk import Desk
from cultiva.api.errors import Problem
from cultiva.api.hot import Hot
from cultiva.api.observing import Observed
from cultiva.api.wiring import Wiring
from cultiva.loop.following import Followed
from cultiva.loop.parts import Parts
from cultiva.loop.turns import Turns

VERSION = "1.0.0"
"""Of the API; the first number is that of the paths."""
THREADS = 6
"""Requests worked on at once by one process: some need two of the dozen connections that a process has."""
ABOUT = """\
Customers, segments, strategies, launches, tasks, outcomes, consent and exports of one bank.

Errors are RFC 9457 problems. Lists come in pages: give `next_cursor` back as `cursor`. A POST that changes something
needs an `Idempotency-Key`; a repeat gets the first answer. Money is decimal text. Personal data are masked unless the
key has the scope `personal`."""
RESOURCES = (
    customers.routes,
    consent.routes,
    segments.routes,
    segments.counts,
    strategies.routes,
    launches.routes,
    halts.routes,
    tasks.routes,
    tasks.arrivals,
    people.staff,
    people.absences,
    outcomes.routes,
    events.routes,
    events.hot_routes,
    decide.hot_routes,
    exports.routes,
    webhooks.routes,
    links.routes,
    health.routes,
)

HOT = {**events.PATHS, **decide.PATHS}
"""Paths that are answered before the framework."""


def create_app(
    parts: Parts,
    *,
    wiring: Wiring | None = None,
    turns: Turns | None = None,
    at_end: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The API over an opened workspace.

    Args:
        parts: Of the workspace; they stay open as long as the application lives.
        wiring: What other rooms do for it; None: as the workspace says.
        turns: At the engine, where others share the process; None: it is the API's alone.
        at_end: Called when the last request has been answered and the server ends, e.g. to close the parts.
    """
    app = _bare(at_end)
    app.state.desk = Desk(parts, Followed(parts), wiring, turns or Turns(parts))
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document; the same for every workspace."""
    return _bare(lambda: None).openapi()


def _bare(at_end: Callable[[], None]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        from anyio.to_thread import current_default_thread_limiter

        current_default_thread_limiter().total_tokens = THREADS
        try:
            yield
        finally:
            desk = getattr(_app.state, "desk", None)
            if desk is not None:
                desk.close()
            at_end()

    app = FastAPI(
        title="Cultiva",
        summary="Customer operations for banks: insight, strategy, execution, review.",
        description=ABOUT,
        version=VERSION,
        docs_url=None,  # their pages load scripts from elsewhere, which a bank's network does not
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name}",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    errors.register(app)
    for routes in RESOURCES:
        app.include_router(routes)
    app.add_middleware(Observed)
    app.add_middleware(Hot, paths=HOT)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The document with the shape of problems, and without the validation error that FastAPI would have given."""
    if app.openapi_schema is None:
        told = FastAPI.openapi(app)
        schemas = told["components"]["schemas"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {})
        schemas["Problem"] = problem
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = told
    return app.openapi_schema

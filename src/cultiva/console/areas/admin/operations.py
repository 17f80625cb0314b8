"""Operations: runs with their steps, what deliveries brought, every definition with its versions."""

from __future__ import annotations

from datetime import date

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.customers.definitions import label_of_column
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import unified
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.doctor.findings import Standing
from cultiva.loop.doctor.service import check_up
from cultiva.loop.operations import COUNTS, kinds_of, quality_of, steps_of
from cultiva.loop.strategy_story import version_named, versions_of
from cultiva.loop.titles import KINDS

routes = router("/admin")
SHOWN = 60
"""Runs that are listed."""
SHOWN_TAGS = 20
"""The emptiest tags."""


@routes.get("", **needs(Right.OPERATE))
def overview(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Where to look: the newest runs."""
    return runs(request, who, desk)


@routes.get("/runs", **needs(Right.OPERATE))
def runs(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """The newest runs."""
    found = desk.parts.store.runs.history(limit=SHOWN)
    return page(request, who, "admin/runs.html", runs=found, local=desk.local)


@routes.get("/runs/{run_id}", **needs(Right.OPERATE))
def run(request: Request, who: Who, desk: Ours, run_id: str) -> HTMLResponse:
    """One run with its steps."""
    found = desk.parts.store.runs.get(run_id)
    steps = steps_of(found, who.language)
    return page(request, who, "admin/run.html", run=found, steps=steps, local=desk.local)


@routes.get("/quality", **needs(Right.OPERATE))
def quality(request: Request, who: Who, desk: Ours, on: date | None = None) -> HTMLResponse:
    """What deliveries brought, why rows were set aside, how full the tags are."""
    day = desk.day(on)
    found = desk.kept(("quality", who.language), day, lambda: quality_of(desk.told(who.language), day))
    workspace = desk.told(who.language).workspace
    names = {tag: label_of_column(workspace, tag) for tag, _, _ in found.coverage[:SHOWN_TAGS]}
    return page(request, who, "admin/quality.html", found=found, counts=COUNTS, names=names)


@routes.get("/health", **needs(Right.OPERATE))
def health(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Whether this set-up is fit for use; faults first."""
    settings = desk.parts.workspace.settings.console
    found = check_up(desk.parts.workspace, desk.now(), production=settings.cookie_secure)
    order = {Standing.FAULT: 0, Standing.WARN: 1, Standing.OK: 2}
    ordered = sorted(found, key=lambda one: order[one.standing])
    return page(request, who, "admin/health.html", found=ordered, production=settings.cookie_secure)


@routes.get("/definitions", **needs(Right.OPERATE))
def definitions(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Every kind of definition with the names that are in force."""
    found = kinds_of(desk.parts)
    ordered = {kind: found[kind] for kind in (*KINDS, *found) if kind in found}
    return page(request, who, "admin/definitions.html", kinds=ordered, titles=KINDS)


@routes.get("/definitions/{kind}/{name}", **needs(Right.OPERATE))
def definition(request: Request, who: Who, desk: Ours, kind: str, name: str, version: str = "") -> HTMLResponse:
    """One definition: a version, and what it changed."""
    found = versions_of(desk.parts, name, kind=kind)
    if not found:
        raise CultivaError(
            "there is no such definition",
            code="console.no_definition",
            kind=ErrorKind.NOT_FOUND,
            seen=f"{kind} {name}"[:200],
            allowed="a definition of the list",
            hint="open the list of definitions",
        )
    chosen = version_named(found, version) if version else found[0]
    older = found[found.index(chosen) + 1 :][:1]
    lines = unified(older[0].text, chosen.text, name).splitlines()[2:] if older else []
    return page(
        request, who, "admin/definition.html",
        kind=kind, name=name, versions=found, chosen=chosen, older=older[0] if older else None, lines=lines,
        local=desk.local,
    )  # fmt: skip

"""The editor of a strategy: form and YAML of one definition, difference, check, forecast; then a draft to be judged."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, fragment, page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import Draft, DraftKind, unified
from cultiva.execution.drafts.service import BODY_MAX, OPEN, Drafts
from cultiva.kit.errors import CultivaError, ErrorKind, Fault, Faults
from cultiva.loop.campaigns import checked_strategy
from cultiva.loop.forecasting import forecast_of, sheets
from cultiva.loop.mapping import names_of
from cultiva.loop.publishing_definitions import check, live, overtaken, told_from
from cultiva.loop.strategy_editing import BEGUN, fields_of, merged, name_in, new_draft, parts_with

routes = router()
Body = Annotated[str, Form(max_length=BODY_MAX)]
Remark = Annotated[str, Form(max_length=2_000)]
Revision = Annotated[int, Form(ge=0)]


@routes.get("/strategies/new", **needs(Right.DEFINE))
def begin(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """A new strategy, not active."""
    return _editor(request, who, desk, BEGUN, draft=None)


@routes.get("/strategies/{name}/edit", **needs(Right.DEFINE))
def edit(request: Request, who: Who, desk: Ours, name: str) -> HTMLResponse:
    """A strategy as its file has it, or the visitor's own open draft of it."""
    found = [one for one in Drafts(desk.parts.store.database).of(DraftKind.STRATEGY, name) if one.state in OPEN]
    mine = next((one for one in found if one.author == who.user.login), None)
    text = live(desk.parts, DraftKind.STRATEGY, name).text
    if mine is None and not text:
        checked_strategy(desk.parts, name)  # raises
    others = [one for one in found if one.author != who.user.login]
    return _editor(request, who, desk, text if mine is None else mine.body, draft=mine, others=others)


@routes.post("/strategies/editor/check", **needs(Right.DEFINE))
async def try_out(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """Form and text made one, what differs from the live version, and every fault; changes nothing."""
    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    return await run_in_threadpool(_tried, request, who, desk, sent)


@routes.post("/strategies/editor/forecast", **needs(Right.DEFINE))
def forecast(request: Request, who: Who, desk: Ours, body: Body) -> HTMLResponse:
    """What the strategy would do if it were approved as it stands here; changes nothing."""
    body = _lines(body)
    with desk.engine() as parts:
        changed = parts_with(parts, body)
        found = forecast_of(changed, desk.day(), name_in(body))
    told = parts_with(desk.told(who.language), body)
    return fragment(request, who, "strategies/forecast.html", sheets=sheets(told, found))


@routes.post("/strategies/editor/save", **needs(Right.DEFINE))
def save(
    who: Who, desk: Ours, body: Body, remark: Remark = "", draft: str = Form(""), revision: Revision = 0
) -> RedirectResponse:
    """Keeps a draft; the workspace's files stay as they are until a second person has approved it."""
    drafts, new = Drafts(desk.parts.store.database), new_draft(desk.parts, _lines(body), remark.strip())
    if draft:
        _demand_same_name(drafts.one(draft), new.name)
        drafts.amend(draft, revision, new, by=who.user.login, at=desk.now())
    else:
        drafts.save(new, by=who.user.login, at=desk.now())
    return back(f"/strategies/{new.name}/edit")


@routes.post("/strategies/drafts/{draft_id}/submit", **needs(Right.DEFINE))
def submit(who: Who, desk: Ours, draft_id: str, revision: Revision) -> RedirectResponse:
    """Asks for a second person's word; a draft with which the workspace has faults is not put forward."""
    drafts = Drafts(desk.parts.store.database)
    found = drafts.one(draft_id)
    wrong = [one for one in check(desk.parts, found.kind, found.name, found.body) if not one.warning]
    if wrong:
        raise CultivaError(
            "the workspace would have faults with this draft",
            code="console.draft_faults",
            kind=ErrorKind.CONFLICT,
            seen="; ".join(f"{one.place()} {one.message}" for one in told_from(desk.parts, wrong)[:5]),
            allowed="a draft that the whole workspace checks with",
            hint="check it in the editor and mend what is told there",
        )
    drafts.submit(draft_id, revision, by=who.user.login, at=desk.now())
    return back(f"/strategies/{found.name}/edit")


@routes.post("/strategies/drafts/{draft_id}/withdraw", **needs(Right.DEFINE))
def withdraw(who: Who, desk: Ours, draft_id: str, revision: Revision) -> RedirectResponse:
    """Its author gives it up."""
    drafts = Drafts(desk.parts.store.database)
    found = drafts.one(draft_id)
    drafts.withdraw(draft_id, revision, by=who.user.login, at=desk.now())
    known = bool(live(desk.parts, found.kind, found.name).text)
    return back(
        f"/strategies/{found.name}" if known and found.name in desk.parts.workspace.strategies else "/strategies"
    )


def _tried(request: Request, who: Visitor, desk: ConsoleDesk, sent: dict[str, str]) -> HTMLResponse:
    body, faults = _lines(sent.get("body", ""))[:BODY_MAX], []
    try:
        if sent.get("source") == "form":
            body = merged(body, {**sent, "active": sent.get("active", "")})
        name = name_in(body)
        faults = check(desk.parts, DraftKind.STRATEGY, name, body)
    except Faults as error:
        faults = list(error.faults)
    except CultivaError as error:
        faults = [_as_fault(error)]
    return fragment(request, who, "strategies/bench.html", **_bench(desk, who, body, faults))


def _editor(
    request: Request,
    who: Visitor,
    desk: ConsoleDesk,
    body: str,
    *,
    draft: Draft | None,
    others: list[Draft] | None = None,
) -> HTMLResponse:
    facts = _bench(desk, who, body, None)
    now = live(desk.parts, DraftKind.STRATEGY, draft.name) if draft is not None else None
    moved = now is not None and draft is not None and overtaken(draft, now)
    return page(
        request, who, "strategies/edit.html", draft=draft, others=others or [], moved=moved, new=body is BEGUN, **facts
    )


def _bench(desk: ConsoleDesk, who: Visitor, body: str, faults: list[Fault] | None) -> dict[str, Any]:
    """What form, text, difference and check show; a text that cannot be read has no form."""
    workspace = desk.parts.workspace
    try:
        fields, name = fields_of(body), name_in(body)
        now = live(desk.parts, DraftKind.STRATEGY, name)
        lines = unified(now.text, body, now.file).splitlines()[2:]
    except CultivaError as error:
        fields, name, lines = None, "", []
        faults = faults or [_as_fault(error)]
    return {
        "body": body,
        "fields": fields,
        "name": name,
        "lines": lines,
        "faults": None if faults is None else told_from(desk.parts, faults),
        "names": names_of(desk.told(who.language)),
        "known": {
            "stages": [one.name for one in workspace.lifecycle.stages],
            "tiers": [band.name for one in workspace.value.tierings if one.name == "value_tier" for band in one.bands],
            "offers": list(workspace.offers),
            "channels": [one.name for one in workspace.policy.channels],
        },
        "metrics": [one.name for one in workspace.tags.values() if one.type.numeric],
    }


def _as_fault(error: CultivaError) -> Fault:
    return Fault("", 0, 0, error.code, error.message, str(error.seen or ""), str(error.allowed or ""), str(error.hint))


def _lines(body: str) -> str:
    """A text as files have it: browsers send lines that end in CR LF."""
    return body.replace("\r\n", "\n").rstrip() + "\n"


def _demand_same_name(draft: Draft, name: str) -> None:
    if draft.name != name:
        raise CultivaError(
            "a draft keeps its name",
            code="console.other_name",
            kind=ErrorKind.CONFLICT,
            seen=name,
            allowed=draft.name,
            hint="begin a new strategy under the new name",
        )

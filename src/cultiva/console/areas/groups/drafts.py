"""A draft of a group: what it changes and whom it moves. What others say of it is said on the page of approvals."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Path, Request, Response
from fastapi.responses import HTMLResponse

from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, fragment, page
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import Draft, DraftKind
from cultiva.execution.drafts.service import Drafts
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.groups.drafting import exchange, form_of
from cultiva.loop.publishing_definitions import check, live, overtaken
from cultiva.loop.questions import count

routes = router("/groups/drafts")
Id = Annotated[str, Path(max_length=40)]
Revision = Annotated[int, Form(ge=1)]


@routes.get("/{draft_id}", **needs(Right.GROUPS))
def draft(request: Request, who: Who, desk: Ours, draft_id: Id) -> HTMLResponse:
    """What a draft changes and where it stands."""
    found = _group_draft(Drafts(desk.parts.store.database), draft_id)
    now = live(desk.parts, found.kind, found.name)
    return page(
        request,
        who,
        "groups/draft.html",
        draft=found,
        diff=found.diff().splitlines(),
        moved_on=found.is_open and overtaken(found, now),
        since=found.diff(now.text).splitlines() if now.hash != found.base_hash else [],
        own=found.author == who.user.login,
        local=desk.local,
    )


@routes.get("/{draft_id}/effect", **needs(Right.GROUPS))
def effect(request: Request, who: Who, desk: Ours, draft_id: Id) -> HTMLResponse:
    """What the whole workspace would say to it, and whom it moves: a part, asked for when the page stands."""
    parts = desk.told(who.language)
    found = _group_draft(Drafts(parts.store.database), draft_id)
    faults = check(parts, found.kind, found.name, found.body) if found.is_open else []
    exchanged, counted, trouble = None, None, None
    if not any(not one.warning for one in faults):
        try:
            rule = form_of(found.body, found.name).rule
            before = form_of(found.base_text, found.name).rule if found.base_text else ""
            with desk.engine() as engine:
                if before:
                    exchanged = exchange(engine, before, rule, desk.day(), sight=who.sight)
                else:
                    counted = count(engine, rule, desk.day(), sight=who.sight)
        except CultivaError as error:
            trouble = error
    return fragment(
        request, who, "groups/effect.html", faults=faults, exchanged=exchanged, counted=counted, trouble=trouble
    )


@routes.post("/{draft_id}/submit", **needs(Right.DEFINE))
def submit(who: Who, desk: Ours, draft_id: Id, revision: Revision) -> Response:
    """Its author asks for a second person's word."""
    drafts = Drafts(desk.parts.store.database)
    found = _group_draft(drafts, draft_id)
    wrong = [one for one in check(desk.parts, found.kind, found.name, found.body) if not one.warning]
    if wrong:
        raise CultivaError(
            "the workspace would have faults with this draft",
            code="console.draft_faults",
            kind=ErrorKind.CONFLICT,
            seen=wrong[0].message,
            allowed="a draft that the whole workspace checks with",
            hint=wrong[0].hint or "mend it first",
        )
    drafts.submit(draft_id, revision, by=who.user.login, at=desk.now())
    return back(f"/groups/drafts/{draft_id}")


@routes.post("/{draft_id}/withdraw", **needs(Right.DEFINE))
def withdraw(who: Who, desk: Ours, draft_id: Id, revision: Revision) -> Response:
    """Its author gives it up."""
    drafts = Drafts(desk.parts.store.database)
    _group_draft(drafts, draft_id)
    drafts.withdraw(draft_id, revision, by=who.user.login, at=desk.now())
    return back("/groups")


def _group_draft(drafts: Drafts, draft_id: str) -> Draft:
    found = drafts.one(draft_id)
    if found.kind is not DraftKind.SEGMENT:
        raise CultivaError(
            "this draft is not of a group",
            code="console.other_draft",
            kind=ErrorKind.NOT_FOUND,
            seen=found.kind.value,
            allowed="a draft of a group",
            hint="open it among the strategies",
        )
    return found

"""The editor of a group: rule text and rows over the same rule, faults in their places, exact count while typing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, fragment, page
from cultiva.console.visitor import Visitor
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.segments import Purpose
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import Draft
from cultiva.execution.drafts.service import Drafts
from cultiva.kit.errors import CultivaError
from cultiva.kit.words import say
from cultiva.loop.groups.changing import acted
from cultiva.loop.groups.checking import (
    faults_of,
    known_values,
    offered,
    pieces,
    tag_labels,
    tag_types,
    word_before,
)
from cultiva.loop.groups.drafting import GroupForm, exchange, form_of, live_form, new_draft
from cultiva.loop.groups.rows import OPERATORS, Group, fields_of, read_fields, rows_of, text_of
from cultiva.loop.parts import Parts
from cultiva.loop.questions import CountAnswer, count
from cultiva.rules import RuleErrors

routes = router("/groups")
RULE_MAX = 20_000
RuleForm = Annotated[str, Form(max_length=RULE_MAX)]
Short = Annotated[str, Form(max_length=500)]


@routes.get("/try", **needs(Right.GROUPS))
def attempt(request: Request, who: Who, desk: Ours, rule: Annotated[str, Query(max_length=4000)] = "") -> HTMLResponse:
    """Counts by a rule, without keeping anything."""
    return _editor(request, who, desk, GroupForm("", rule=rule))


@routes.get("/new", **needs(Right.DEFINE))
def begin(request: Request, who: Who, desk: Ours, rule: Annotated[str, Query(max_length=4000)] = "") -> HTMLResponse:
    """A new group."""
    return _editor(request, who, desk, GroupForm("", rule=rule), saving=True)


@routes.get("/{name}/edit", **needs(Right.DEFINE))
def edit(
    request: Request,
    who: Who,
    desk: Ours,
    name: Annotated[str, Path(max_length=63)],
    draft: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """A change of a group: of its definition in the files, or of a draft of one's own."""
    parts = desk.told(who.language)
    found = Drafts(parts.store.database).one(draft) if draft else None
    form = live_form(parts, name) if found is None else form_of(found.body, found.name, remark=found.remark)
    return _editor(request, who, desk, form, saving=True, draft=found)


@routes.post("/check", **needs(Right.GROUPS))
def check(
    request: Request,
    who: Who,
    desk: Ours,
    rule: RuleForm = "",
    base: RuleForm = "",
    caret: Annotated[int, Form(ge=-1, le=RULE_MAX)] = -1,
) -> HTMLResponse:
    """What is wrong with a rule, else how many it finds; changes nothing."""
    parts = desk.told(who.language)
    names = offered(parts, word_before(rule, caret), desk.day()) if caret >= 0 else []
    facts = _checked(desk, who, rule, base) | _builder(parts, desk, rule)
    return fragment(request, who, "groups/checked.html", names=names, parts_too=True, **facts)


@routes.post("/build", **needs(Right.GROUPS))
async def build(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """The rule that rows make, and the rows again; changes nothing."""
    from starlette.concurrency import run_in_threadpool

    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    return await run_in_threadpool(_built, request, who, desk, sent)


@routes.post("/save", **needs(Right.DEFINE))
def save(  # noqa: PLR0913, PLR0917  (a form has its fields)
    request: Request,
    who: Who,
    desk: Ours,
    name: Annotated[str, Form(max_length=63)] = "",
    label_zh: Annotated[str, Form(max_length=100)] = "",
    label_en: Annotated[str, Form(max_length=100)] = "",
    description: Short = "",
    description_en: Short = "",
    owner: Annotated[str, Form(max_length=63)] = "",
    purpose: Purpose = Purpose.MARKETING,
    rule: RuleForm = "",
    remark: Annotated[str, Form(max_length=2000)] = "",
    draft: Annotated[str, Form(max_length=40)] = "",
    revision: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Keeps a draft; the workspace's files stay as they are until a second person has approved it."""
    form = GroupForm(name.strip(), label_zh, label_en, description, description_en, owner, purpose.value, rule, remark)
    drafts = Drafts(desk.parts.store.database)
    base = drafts.one(draft) if draft else None
    try:
        if faults := faults_of(desk.parts.workspace, rule):
            raise RuleErrors(rule, faults)
        new = new_draft(desk.parts, form if base is None else replace(form, name=base.name), base)
        if base is None:
            made = drafts.save(new, by=who.user.login, at=desk.now())
        else:
            made = drafts.amend(base.draft_id, revision, new, by=who.user.login, at=desk.now())
    except CultivaError as error:
        return _editor(request, who, desk, form, saving=True, draft=base, refused=error)
    return back(f"/groups/drafts/{made.draft_id}")


def _editor(  # noqa: PLR0913  (a page and what it may show)
    request: Request,
    who: Visitor,
    desk: ConsoleDesk,
    form: GroupForm,
    *,
    saving: bool = False,
    draft: Draft | None = None,
    refused: CultivaError | None = None,
) -> HTMLResponse:
    parts = desk.told(who.language)
    known = parts.workspace.segments.get(form.name)
    base = known.rule or "" if known is not None else ""
    return page(
        request,
        who,
        "groups/editor.html",
        status=422 if refused is not None else 200,
        form=form,
        known=known is not None,
        base=base,
        saving=saving,
        draft=draft,
        refused=refused,
        purposes=[one.value for one in Purpose],
        names=[],
        parts_too=False,
        **_checked(desk, who, form.rule, base),
        **_builder(parts, desk, form.rule),
    )


def _built(request: Request, who: Visitor, desk: ConsoleDesk, sent: Mapping[str, str]) -> HTMLResponse:
    parts = desk.told(who.language)
    types = tag_types(parts.workspace)
    first = next(iter(parts.workspace.segments), "")
    fields = acted(sent, sent.get("act", ""), tag="age" if "age" in types else next(iter(types)), segment=first)
    group = read_fields(fields, types)
    rule = text_of(group)[:RULE_MAX]
    facts = _checked(desk, who, rule, sent.get("base", "")[:RULE_MAX])
    facts |= _builder(parts, desk, rule, group)
    return fragment(request, who, "groups/built.html", rule=rule, names=[], parts_too=False, **facts)


def _checked(desk: ConsoleDesk, who: Visitor, rule: str, base: str) -> dict[str, Any]:
    """Faults in their places, else the count and whom a change brings in and sends away."""
    parts = desk.told(who.language)
    faults = faults_of(parts.workspace, rule) if rule.strip() else []
    facts: dict[str, Any] = {"faults": faults, "pieces": pieces(rule, faults), "found": None, "exchanged": None}
    if not rule.strip() or faults:
        return facts | {"trouble": None}
    try:
        compared = bool(base.strip()) and base.strip() != rule.strip() and not faults_of(parts.workspace, base)
        with desk.engine() as engine:
            facts["found"] = _counted(desk, who, engine, rule)
            if compared:
                facts["exchanged"] = exchange(engine, base, rule, desk.day(), sight=who.sight)
    except CultivaError as error:
        return facts | {"trouble": error}
    return facts | {"trouble": None}


def _counted(desk: ConsoleDesk, who: Visitor, engine: Parts, rule: str) -> CountAnswer:
    """A count; of the whole bank it is kept for the day, as it is the same for everybody who sees all of it."""
    day = desk.day()
    if not who.sight.whole_bank:
        return count(engine, rule, day, sight=who.sight)
    return desk.kept(("count", rule), day, lambda: count(engine, rule, day, sight=who.sight))


def _builder(parts: Parts, desk: ConsoleDesk, rule: str, group: Group | None = None) -> dict[str, Any]:
    """What the visual builder shows: fields of rows, and what may be chosen in them."""
    workspace, day = parts.workspace, desk.day()
    language = workspace.settings.language
    if group is None and rule.strip():
        try:
            group = rows_of(rule, profile_scope(workspace))
        except RuleErrors:
            group = None
    elif group is None:
        group = Group("and")
    values = desk.kept(("values of tags", language), day, lambda: known_values(parts, day))
    return {
        "fields": None if group is None else fields_of(group),
        "types": {name: kind.value for name, kind in tag_types(workspace).items()},
        "tag_labels": tag_labels(workspace),
        "segment_labels": {one.name: say(one.label, language) for one in workspace.segments.values()},
        "values": values,
        "operators": OPERATORS,
    }

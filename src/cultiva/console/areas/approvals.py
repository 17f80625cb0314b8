"""Approvals: everything that waits for a second person, explained in full, with yes and no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.console.areas.campaigns.showing import label_of
from cultiva.console.areas.campaigns.words import STATE_TONES, acting, role_names
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import Draft, DraftState
from cultiva.execution.drafts.service import Drafts
from cultiva.execution.launching.judging import Missing
from cultiva.execution.launching.launches import Launch, State
from cultiva.kit.errors import CultivaError, Fault
from cultiva.kit.words import Bilingual
from cultiva.loop import campaigns
from cultiva.loop.campaign_sheets import CampaignTables
from cultiva.loop.campaign_words import STATES
from cultiva.loop.mapping import names_of
from cultiva.loop.publishing_definitions import check, live, overtaken, publish, told_from
from cultiva.loop.seeing import explanation_in_sight

routes = router()
WIDE = frozenset({"samples", "tests"})
"""Tables that take the whole width."""
ASIDE = frozenset({"cost", "effect", "held_out"})
"""Tables beside the judgement."""
Remark = Annotated[str, Form(max_length=1_000)]
Revision = Annotated[int, Form(ge=1)]


class Word(StrEnum):
    """What a second person says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True)
class Waiting:
    """A launch that waits for a second person."""

    launch: Launch
    missing: Missing
    mine: bool
    """Whether the visitor has put it forward."""
    said: bool
    """Whether the visitor has said something of it already."""


@dataclass(frozen=True)
class RoleChoice:
    """A role of approval.yaml, for one launch and one person."""

    name: str
    label: Bilingual
    why: str
    """What keeps them from judging in it; empty: nothing."""
    word_taken: bool
    """Whether nobody is named as its member, so that whoever may approve has it."""


@routes.get("/approvals", **needs(Right.APPROVE))
def approvals(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """What waits for a second person, the oldest first."""
    found = sorted(desk.launches.all(states={State.SUBMITTED}), key=lambda one: (one.created, one.launch_id))
    drafts = Drafts(desk.parts.store.database)
    waiting = drafts.listed(states={DraftState.SUBMITTED})
    return page(
        request,
        who,
        "approvals/index.html",
        launches=[_waiting(desk, who, one) for one in found],
        drafts=sorted(waiting, key=lambda one: (one.changed, one.draft_id)),
        approved=drafts.listed(states={DraftState.APPROVED}),
        role_names=role_names(desk, who),
        names=names_of(desk.told(who.language)),
        local=desk.local,
    )


@routes.get("/approvals/launches/{launch_id}", **needs(Right.CAMPAIGNS))
def launch(request: Request, who: Who, desk: Ours, launch_id: str) -> HTMLResponse:
    """A launch with everything that an approver should know, and what they may say."""
    found = desk.launches.one(launch_id)
    told = campaigns.explained(desk.parts, found.launch_id, clashes=False)
    told["explanation"] = explanation_in_sight(desk.parts, told["explanation"], who.sight)
    sheets = CampaignTables(desk.told(who.language)).named_sheets(told)
    return page(
        request,
        who,
        "approvals/launch.html",
        launch=found,
        label=label_of(desk, who, found),
        told=told,
        left=[sheet for name, sheet in sheets.items() if name not in WIDE | ASIDE],
        right=[sheet for name, sheet in sheets.items() if name in ASIDE],
        wide=[sheet for name, sheet in sheets.items() if name in WIDE],
        hidden=bool(found.explanation.get("samples")) and not told["explanation"].get("samples"),
        roles=roles_for(desk, who, found),
        judgements=desk.launches.judgements(found.launch_id),
        missing=desk.launches.missing(found) if found.state is State.SUBMITTED else None,
        demands={one.name: who.say(one.label) for one in desk.parts.workspace.approval.demands},
        role_names=role_names(desk, who),
        tones=STATE_TONES,
        states=STATES,
        local=desk.local,
    )


@routes.post("/approvals/launches/{launch_id}", **needs(Right.APPROVE))
def judge(  # noqa: PLR0913, PLR0917  (what a judgement is)
    who: Who,
    desk: Ours,
    launch_id: str,
    role: Annotated[str, Form(max_length=63)],
    word: Annotated[Word, Form()],
    version: Annotated[str, Form(max_length=64)] = "",
    remark: Remark = "",
) -> RedirectResponse:
    """Says yes or no in a role of approval.yaml; the service refuses the author and whoever is above their limit."""
    found, person, now = desk.launches.one(launch_id), acting(who), desk.now()
    if word is Word.REJECT:
        desk.launches.reject(found.launch_id, person, role, now, remark=remark.strip())
        return back("/approvals")
    current = campaigns.current_version(desk.parts, found.strategy) or "gone"
    read = current if version in ("", found.version) else version  # what was read must be what is approved
    desk.launches.approve(found.launch_id, person, role, now, remark=remark.strip(), version=read)
    return back("/approvals")


@routes.get("/approvals/drafts/{draft_id}", **needs(Right.APPROVE))
def draft(request: Request, who: Who, desk: Ours, draft_id: str) -> HTMLResponse:
    """A proposed change of a definition: what differs, what would be wrong, and what may be said of it."""
    found = Drafts(desk.parts.store.database).one(draft_id)
    now = live(desk.parts, found.kind, found.name)
    return page(
        request,
        who,
        "approvals/draft.html",
        draft=found,
        lines=found.diff(now.text).splitlines()[2:],
        moved=overtaken(found, now),
        faults=_faults(desk, found),
        mine=found.author == who.user.login,
        names=names_of(desk.told(who.language)),
        local=desk.local,
    )


@routes.post("/approvals/drafts/{draft_id}", **needs(Right.APPROVE))
def judge_draft(
    who: Who, desk: Ours, draft_id: str, revision: Revision, word: Annotated[Word, Form()], remark: Remark = ""
) -> RedirectResponse:
    """Says no, with a reason; or yes, and it is written into the workspace's files at once."""
    approved, by, now = word is Word.APPROVE, who.user.login, desk.now()
    drafts = Drafts(desk.parts.store.database)
    drafts.judge(draft_id, revision, approved=approved, by=by, at=now, remark=remark.strip())
    if approved:
        publish(desk.parts, draft_id, revision, by=by, at=now)
    return back(f"/approvals/drafts/{draft_id}")


@routes.post("/approvals/drafts/{draft_id}/publish", **needs(Right.APPROVE))
def publish_draft(who: Who, desk: Ours, draft_id: str, revision: Revision) -> RedirectResponse:
    """Writes an approved change into the workspace's files; one that has changed there meanwhile is a conflict."""
    publish(desk.parts, draft_id, revision, by=who.user.login, at=desk.now())
    return back(f"/approvals/drafts/{draft_id}")


def roles_for(desk: ConsoleDesk, who: Visitor, found: Launch) -> Sequence[RoleChoice]:
    """Every role of approval.yaml with what keeps the visitor from judging in it."""
    why = desk.launches.roles_for(found, acting(who))
    return tuple(
        RoleChoice(one.name, one.label, _told(why[one.name]), not one.members)
        for one in desk.parts.workspace.approval.roles
    )


def _waiting(desk: ConsoleDesk, who: Visitor, found: Launch) -> Waiting:
    me = acting(who)
    said = any(me.is_same(one.approver) for one in desk.launches.judgements(found.launch_id))
    whole = desk.launches.one(found.launch_id)  # the list has no explanation, by which demands are judged
    return Waiting(whole, desk.launches.missing(whole), me.is_same(found.author), said)


def _told(error: CultivaError | None) -> str:
    return "" if error is None else f"{error.message} ({error.seen}; {error.allowed})"


def _faults(desk: ConsoleDesk, found: Draft) -> Sequence[Fault]:
    if not found.is_open:
        return ()
    return told_from(desk.parts, check(desk.parts, found.kind, found.name, found.body))

"""The list of groups, and what micro-segmentations have found."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import DraftKind
from cultiva.execution.drafts.service import Drafts
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.words import say
from cultiva.loop.groups.facts import group_lines
from cultiva.loop.shows import read

routes = router("/groups")


@routes.get("", **needs(Right.GROUPS))
def groups(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """All groups by size, and drafts that wait."""
    day, parts = desk.day(), desk.told(who.language)
    drafts = Drafts(desk.parts.store.database).listed(kind=DraftKind.SEGMENT)
    return page(
        request, who, "groups/index.html", lines=group_lines(parts, day, sight=who.sight), drafts=drafts, day=day,
        every=who.sight.whole_bank or who.sight.totals,
    )  # fmt: skip


@routes.get("/micro", **needs(Right.GROUPS))
def micro(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """The clusters that micro-segmentations have found, in words and as rules."""
    day, workspace = desk.day(), desk.parts.workspace
    try:
        rows = read(desk.parts, "microsegments", day).to_dicts()
    except CultivaError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        rows = []
    found = []
    for one in workspace.micro_segmentations.values():
        mine = [row for row in rows if row["micro_segmentation"] == one.name]
        found.append((one, say(one.label, who.language), sorted(mine, key=lambda row: -row["size"])))
    return page(request, who, "groups/micro.html", found=found, said=f"words_{who.language}", day=day)

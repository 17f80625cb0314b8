"""One group: its rule, size over time, what sets it apart, overlap, members in sight with why, who uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from cultiva.console.charts import lines
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import fragment, page
from cultiva.console.words import told
from cultiva.execution.access.roles import Right
from cultiva.execution.drafts.draft import DraftKind
from cultiva.execution.drafts.service import OPEN, Drafts
from cultiva.kit.masking import mask_text
from cultiva.loop.groups.facts import group_lines, overlaps_of, samples_of, set_apart, sizes_over_time, used_by
from cultiva.loop.handouts import FileFormat, Taker, segment_handout
from cultiva.loop.questions import checked_segment, membership
from cultiva.loop.shows import labels

routes = router("/groups")
Name = Annotated[str, Path(max_length=63)]
MEDIA = {FileFormat.CSV: "text/csv; charset=utf-8", FileFormat.PARQUET: "application/vnd.apache.parquet"}


@routes.get("/{name}", **needs(Right.GROUPS))
def group(
    request: Request, who: Who, desk: Ours, name: Name, customer: Annotated[int | None, Query(ge=0)] = None
) -> HTMLResponse:
    """One group."""
    day, parts = desk.day(), desk.told(who.language)
    defined = parts.workspace.segments[checked_segment(parts, name)]
    every = who.sight.whole_bank or who.sight.totals
    sizes = sizes_over_time(parts, name, day, sight=who.sight)
    drafts = Drafts(parts.store.database).of(DraftKind.SEGMENT, name)
    chart = lines([on for on, _ in sizes], {told(who.language, "Customers"): [size for _, size in sizes]})
    return page(
        request,
        who,
        "groups/one.html",
        defined=defined,
        line=next(line for line in group_lines(parts, day, sight=who.sight) if line.name == name),
        sizes=sizes,
        chart=chart if len(sizes) > 1 else None,
        apart=set_apart(parts, name, day, sight=who.sight),
        overlaps=overlaps_of(parts, name, day, sight=who.sight),
        samples=samples_of(parts, name, day, sight=who.sight) if who.may("customers") else [],
        users=used_by(parts.workspace, name),
        drafts=[one for one in drafts if one.state in OPEN],
        labels=labels(parts),
        tags=[(one.name, who.say(one.label)) for one in parts.workspace.tags.values()] if who.may("export") else [],
        rows_max=parts.workspace.settings.console.export_rows_max,
        asked=customer,
        day=day,
        every=every,
    )


@routes.post("/{name}/export", **needs(Right.EXPORT))
def export(
    who: Who,
    desk: Ours,
    name: Name,
    tags: Annotated[Sequence[str], Form()] = (),
    file_format: Annotated[FileFormat, Form()] = FileFormat.CSV,
) -> Response:
    """The members in sight as a file: limited, watermarked, masked, and with a line of the audit."""
    taker = Taker(who.user.user_id, who.user.name, who.sight, who.user.login)
    with desk.engine() as parts:
        made = segment_handout(parts, checked_segment(parts, name), list(tags), desk.day(), taker=taker,
                               file_format=file_format)  # fmt: skip
    named = {"Content-Disposition": f'attachment; filename="{made.file_name}"', "X-Rows": str(made.rows)}
    return Response(made.content, media_type=MEDIA[file_format], headers=named)


@routes.get("/{name}/why/{customer}", **needs(Right.CUSTOMERS))
def why(
    request: Request, who: Who, desk: Ours, name: Name, customer: Annotated[int, Path(ge=0, lt=2**63)]
) -> HTMLResponse:
    """Why a customer in sight is in a group or not, clause by clause."""
    parts = desk.told(who.language)
    with desk.engine():
        found = membership(parts, customer, name, desk.day(), sight=who.sight)
    said = [mask_text(line) for line in found.explanation.lines()]
    return fragment(request, who, "groups/why.html", found=found, said=said)

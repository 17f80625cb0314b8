"""The next quarter: what another holdout, more or fewer hands, the end of what does not pay would change."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from cultiva.console.areas.review.flown import facts_of_flown
from cultiva.console.areas.review.found import Wording, found_on
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import page
from cultiva.execution.access.roles import Right
from cultiva.kit.words import say
from cultiva.loop.quarter import Outlook, WhatIf, bases, outlook

routes = router("/review")


@routes.get("/next", **needs(Right.REVIEW))
def ahead(
    request: Request,
    who: Who,
    desk: Ours,
    holdout: Annotated[str, Query(max_length=8, pattern=r"^(\d{1,2}(\.\d{1,2})?)?$")] = "",
    hands: Annotated[int, Query(ge=0, le=500)] = 100,
    stop: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    """The next quarter as it would be, beside the same without any change."""
    found = found_on(desk)
    if found is None:
        return page(request, who, "review/none.html")
    known = desk.kept(("quarter",), found.on, lambda: bases(desk.parts, found.on, found.reviews))
    what = WhatIf(float(holdout) / 100 if holdout else None, hands / 100, stop_losers=stop)
    labels = {one.strategy: say(one.label, who.language) for one in found.reviews}
    rows = [(base, labels[base.strategy], outlook(base, WhatIf()), outlook(base, what)) for base in known]
    rows.sort(key=lambda row: -(row[3].net or 0.0))
    return page(
        request, who, "review/next.html",
        found=found, rows=rows, words=Wording(desk, who), what=what, holdout=holdout, hands=hands, stop=stop,
        before=total([row[2] for row in rows]), after=total([row[3] for row in rows]), **facts_of_flown(desk, who),
    )  # fmt: skip


def total(rows: list[Outlook]) -> dict[str, float]:
    """What all strategies of which something is known come to."""
    known = [one for one in rows if one.incremental is not None]
    incremental = sum(one.incremental or 0.0 for one in known)
    return {
        "enrolled": sum(one.enrolled for one in rows),
        "alone": sum(one.alone for one in rows),
        "incremental": incremental,
        "cost": sum(one.cost for one in rows),
        "net": incremental - sum(one.cost for one in known),
    }

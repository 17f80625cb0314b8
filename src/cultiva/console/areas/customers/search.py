"""Finding a customer. What is looked for is sent as a form: a telephone number in an address would be kept in logs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Request
from fastapi.responses import HTMLResponse

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.named import branch_names, staff_names
from cultiva.console.pages import fragment, is_part, page
from cultiva.console.visitor import Visitor
from cultiva.execution.access.roles import Right
from cultiva.kit.errors import CultivaError
from cultiva.loop.finding import FOUND_MAX, TEXT_MAX, find
from cultiva.loop.shows import labels

routes = router("/customers")


@routes.get("", **needs(Right.CUSTOMERS))
def ask(request: Request, who: Who, desk: Ours) -> HTMLResponse:
    """The field to look in."""
    return page(request, who, "customers/search.html", **_facts(desk, who, ""))


@routes.post("", **needs(Right.CUSTOMERS))
def look(request: Request, who: Who, desk: Ours, text: Annotated[str, Form(max_length=TEXT_MAX)] = "") -> HTMLResponse:
    """Whom a text may mean; changes nothing."""
    facts = _facts(desk, who, text)
    if is_part(request):
        return fragment(request, who, "customers/found.html", **facts)
    return page(request, who, "customers/search.html", **facts)


def _facts(desk: ConsoleDesk, who: Visitor, text: str) -> dict[str, Any]:
    day, parts = desk.day(), desk.told(who.language)
    found, refused = None, None
    if text.strip():
        try:
            found = find(parts, text, day, sight=who.sight)
        except CultivaError as error:
            refused = error
    return {
        "text": text,
        "found": found,
        "refused": refused,
        "most": FOUND_MAX,
        "labels": labels(parts),
        "branches": branch_names(desk, day),
        "staff": staff_names(desk, day),
    }

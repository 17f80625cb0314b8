"""Links of messages: a click leads on, a refusal closes the channel; the seal of the link is all the proof it takes.

Unsubscribing follows RFC 8058: mail programs POST `List-Unsubscribe=One-Click`; a person who opens the link gets a page
with a button, because scanners of mail open every link.
"""

from __future__ import annotations

import html
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cultiva.api.desk import Desk, desk_of
from cultiva.api.errors import problems
from cultiva.execution.answers.linked import Linked
from cultiva.execution.content.links import LinkKind, read
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.words import Words, say

routes = APIRouter(tags=["links"])
Token = Annotated[str, Path(max_length=200, description="As it stands in the message.")]
ASK = Words(
    zh="您确定不再接收此类消息吗？",
    en="Do you want to receive no more of these messages?",
)
BUTTON = Words(zh="确认退订", en="Unsubscribe")
DONE = Words(zh="已退订，您将不再收到此类消息。", en="Done. You will receive no more of these messages.")
NEVER_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
}
_FORM = {
    "requestBody": {
        "required": False,
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}},
    }
}


@routes.get("/l/{token}", status_code=302, response_class=Response, responses=problems(404))
def click(token: Token, request: Request) -> Response:
    """Follow a link of a message: noted as clicked, then led on to where the message says."""
    desk = desk_of(request)
    found = _linked(desk, token, LinkKind.CLICK)
    if not found.target.startswith(("https://", "http://")):
        raise _leads_nowhere()
    desk.note("clicked", found)
    return RedirectResponse(found.target, status_code=302, headers=NEVER_KEPT)


@routes.get("/u/{token}", response_class=HTMLResponse, responses={**problems(404), **_PAGE})
def ask_to_unsubscribe(token: Token, request: Request) -> HTMLResponse:
    """A page that asks whether the customer means it; opening it changes nothing."""
    desk = desk_of(request)
    _linked(desk, token, LinkKind.UNSUBSCRIBE)
    language = desk.parts.workspace.settings.language
    button = f'<form method="post"><button>{html.escape(say(BUTTON, language))}</button></form>'
    return _page(say(ASK, language), button, language)


@routes.post("/u/{token}", response_class=HTMLResponse, responses={**problems(404), **_PAGE}, openapi_extra=_FORM)
def unsubscribe(token: Token, request: Request) -> HTMLResponse:
    """Withdraw consent on the message's channel, at once; a repeat changes nothing (RFC 8058)."""
    desk = desk_of(request)
    desk.note("opted_out", _linked(desk, token, LinkKind.UNSUBSCRIBE))
    language = desk.parts.workspace.settings.language
    return _page(say(DONE, language), "", language)


def _linked(desk: Desk, token: str, kind: LinkKind) -> Linked:
    """The message that a genuine link belongs to.

    Raises:
        CultivaError: if the link is not genuine, of another kind, or its message is not there.
    """
    link = read(desk.wiring.link_keys(), token)
    found = desk.answers.linked(link.delivery_id) if link.kind is kind else None
    if found is None:
        raise _leads_nowhere()
    return found


def _leads_nowhere() -> CultivaError:
    return CultivaError(
        "this link leads nowhere",
        code="api.dead_link",
        kind=ErrorKind.NOT_FOUND,
        allowed="a link of a message of this bank",
        hint="follow the link in the message as it stands",
    )


def _page(said: str, more: str, language: str) -> HTMLResponse:
    title = html.escape(say(BUTTON, language))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f"<p>{html.escape(said)}</p>{more}"
    whole = f'<!doctype html><html lang="{language}"><head>{head}</head><body>{body}</body></html>'
    return HTMLResponse(whole, headers=NEVER_KEPT)

"""Erasures and legal holds: asked for by one, confirmed by another, carried out by a worker; certificates to keep."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from datetime import date
from typing import Annotated

from fastapi import Form, Request, Response

from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back, page
from cultiva.console.proving import prove_first
from cultiva.execution.access.entering.users import login_key
from cultiva.execution.access.roles import Right
from cultiva.execution.erasure.people import Hold, Order
from cultiva.execution.erasure.service import DONE, Erasures
from cultiva.execution.jobs.job import JobState
from cultiva.execution.jobs.service import CUSTOMERS, Jobs
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.erasing import certificate as papers
from cultiva.loop.erasing.asked import KIND, customers_meant, propose
from cultiva.loop.erasing.service import plan

routes = router("/admin")
HERE, HOLDS = "/admin/erasures", "/admin/holds"
SHOWN = 100
"""Of each list."""
Names = Annotated[str, Form(max_length=20_000)]
Text = Annotated[str, Form(max_length=500)]


@routes.get("/erasures", **needs(Right.ERASE))
def erasures(request: Request, who: Who, desk: Ours) -> Response:
    """What was asked for, what is being done, and what was erased."""
    store = desk.parts.store.database
    jobs = [one for one in Jobs(store).listed(KIND, last=SHOWN) if one.state is not JobState.DONE]
    orders = Erasures(store).all()[::-1][:SHOWN]
    return page(
        request, who, "admin/erasures.html", jobs=jobs, orders=orders, me=login_key(who.user.login),
        key=login_key, customers=CUSTOMERS, local=desk.local,
    )  # fmt: skip


@routes.post("/erasures/plan", **needs(Right.ERASE))
def look_ahead(request: Request, who: Who, desk: Ours, customers: Names = "", reason: Text = "") -> Response:
    """What would go; nothing is written."""
    meant = customers_meant(desk.parts, customers.split())
    found = plan(desk.parts, meant)
    lake = Counter[str]()  # by table, all business dates together
    for place, rows in found.lake.items():
        lake[place.rpartition("/")[0] or place] += rows
    return page(request, who, "admin/erasure_plan.html", found=found, lake=lake, meant=meant, reason=reason)


@routes.post("/erasures", **needs(Right.ERASE))
def ask(request: Request, who: Who, desk: Ours, customers: Names = "", reason: Text = "") -> Response:
    """Asks for an erasure."""
    if (first := prove_first(request, who, desk, HERE)) is not None:
        return first
    propose(desk.parts, customers_meant(desk.parts, customers.split()), reason, by=who.user.login, at=desk.now())
    return back(HERE)


@routes.post("/erasures/{job_id}/confirm", **needs(Right.ERASE))
def confirm(request: Request, who: Who, desk: Ours, job_id: str) -> Response:
    """A second person confirms it; a worker begins."""
    if (first := prove_first(request, who, desk, HERE)) is not None:
        return first
    Jobs(desk.parts.store.database).confirm(job_id, by=who.user.login, at=desk.now())
    return back(HERE)


@routes.post("/erasures/{job_id}/withdraw", **needs(Right.ERASE))
def withdraw(who: Who, desk: Ours, job_id: str) -> Response:
    """Takes a proposal back, or says no to it; what a worker has begun is finished."""
    jobs = Jobs(desk.parts.store.database)
    if job_id in {one.job_id for one in jobs.unfinished()}:
        raise CultivaError(
            "an erasure that was confirmed is finished",
            code="console.erasure_begun",
            kind=ErrorKind.CONFLICT,
            seen=job_id,
            allowed="one that waits for a second person",
            hint="wait for its certificate",
        )
    jobs.stop(job_id, by=who.user.login, at=desk.now())
    return back(HERE)


@routes.get("/erasures/{erasure_id}/certificate", **needs(Right.ERASE))
def certificate(request: Request, who: Who, desk: Ours, erasure_id: str) -> Response:
    """The certificate to read."""
    order = _done(desk, erasure_id)
    text = papers.readable(order.certificate, order.seal, who.language)
    return page(request, who, "admin/certificate.html", order=order, text=text)


@routes.get("/erasures/{erasure_id}/certificate.json", **needs(Right.ERASE))
def certificate_file(desk: Ours, erasure_id: str) -> Response:
    """The certificate to keep, as the command lays it down."""
    order = _done(desk, erasure_id)
    said = json.dumps({**order.certificate, "sha256": order.seal}, ensure_ascii=False, indent=2)
    named = {"Content-Disposition": f'attachment; filename="erasure-{order.erasure_id}.json"'}
    return Response(said + "\n", media_type="application/json", headers=named)


@routes.get("/holds", **needs(Right.HOLD))
def holds(request: Request, who: Who, desk: Ours) -> Response:
    """Who may not be erased, and who no longer may not."""
    today = desk.local(desk.now()).date()
    found = Erasures(desk.parts.store.database).holds()[::-1]
    standing = [one for one in found if one.stands(today)]
    over = [one for one in found if not one.stands(today)][:SHOWN]
    return page(request, who, "admin/holds.html", standing=standing, over=over, local=desk.local)


@routes.post("/holds", **needs(Right.HOLD))
def place(who: Who, desk: Ours, customer: Text = "", reason: Text = "", until: Text = "") -> Response:
    """Forbids to erase a customer."""
    meant = customers_meant(desk.parts, customer.split())
    if len(meant) != 1 or not reason.strip():
        raise CultivaError(
            "a hold needs one customer and a reason",
            code="console.hold_incomplete",
            seen=f"{len(meant)} customers, reason '{reason.strip()[:80]}'",
            allowed="a number or SYSTEM:ID, and a reason such as the number of the case",
            hint="fill in both",
        )
    hold = Hold(secrets.token_hex(8), meant[0], reason.strip(), who.user.login, desk.now(), until=_day(until))
    Erasures(desk.parts.store.database).hold(hold)
    return back(HOLDS)


@routes.post("/holds/{hold_id}/lift", **needs(Right.HOLD))
def lift(who: Who, desk: Ours, hold_id: str, remark: Text = "") -> Response:
    """Lifts a hold."""
    Erasures(desk.parts.store.database).lift(hold_id, desk.now(), by=who.user.login, remark=remark.strip())
    return back(HOLDS)


def _done(desk: ConsoleDesk, erasure_id: str) -> Order:
    order = Erasures(desk.parts.store.database).order(erasure_id)
    if order.state != DONE:
        raise CultivaError(
            "this erasure has no certificate yet",
            code="console.no_certificate",
            kind=ErrorKind.CONFLICT,
            seen=order.state,
            allowed="an erasure that is done",
            hint="wait until a worker has finished it",
        )
    return order


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError as error:
        raise CultivaError(
            "this is not a day",
            code="console.no_day",
            seen=text[:20],
            allowed="YYYY-MM-DD, or nothing",
            hint="choose a day, or leave the field empty until it is lifted",
        ) from error

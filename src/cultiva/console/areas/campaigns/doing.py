"""What people do to launches: put forward, let go, hold, break off, slow down, test."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import RedirectResponse

from cultiva.console.areas.campaigns.words import acting
from cultiva.console.desk import ConsoleDesk
from cultiva.console.guard import Ours, Who, needs, router
from cultiva.console.pages import back
from cultiva.execution.access.roles import Right
from cultiva.execution.launching.launches import Enrols, Launch
from cultiva.execution.launching.states import Act
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop import campaigns, stopping, trials
from cultiva.loop.lineage import customer_meant

routes = router()
REMARK_MAX = 1_000
Remark = Annotated[str, Form(max_length=REMARK_MAX)]
REASONED = frozenset({Act.PAUSE, Act.STOP})
"""Acts for which a reason must be given."""


@routes.post("/campaigns", **needs(Right.SUBMIT))
def submit(
    who: Who, desk: Ours, strategy: Annotated[str, Form(max_length=200)], enrols: Annotated[Enrols, Form()] = "once"
) -> RedirectResponse:
    """Puts a strategy of the newest plan forward; whoever does it cannot approve it."""
    with desk.engine() as parts:
        made = campaigns.submit(parts, strategy, desk.day(), enrols=enrols, author=acting(who))
    return back(f"/campaigns/{made.launch_id}")


@routes.post("/campaigns/{launch_id}/acts/{act}", **needs(Right.CONDUCT))
def act(who: Who, desk: Ours, launch_id: str, act: Act, remark: Remark = "") -> RedirectResponse:
    """Lets a launch go, holds it, lets it go on, finishes it, or breaks it off.

    Raises:
        CultivaError: if it cannot be done in its state, or a reason is missing.
    """
    found, person, now = desk.launches.one(launch_id), acting(who), desk.now()
    _demand_reason(act, remark)
    if act is Act.LAUNCH:
        desk.launches.go_live(found.launch_id, person, now, version=_version(desk, found))
    elif act is Act.STOP:
        stopping.stop(desk.parts, found.launch_id, person, now, remark=remark)
    else:
        does: dict[Act, Any] = {
            Act.PAUSE: desk.launches.pause,
            Act.RESUME: desk.launches.resume,
            Act.FINISH: desk.launches.finish,
        }
        if act not in does:
            raise _no_act(act)
        does[act](found.launch_id, person, now, remark=remark)
    return back(f"/campaigns/{found.launch_id}")


@routes.post("/campaigns/{launch_id}/throttle", **needs(Right.CONDUCT))
def throttle(
    who: Who, desk: Ours, launch_id: str, per_minute: Annotated[str, Form(max_length=9)] = ""
) -> RedirectResponse:
    """Sends at most so many messages a minute; empty: as many as providers take."""
    most = int(per_minute) if per_minute.strip().isdigit() else None
    if most is None and per_minute.strip():
        raise _no_number(per_minute)
    found = desk.launches.throttle(launch_id, most, acting(who), desk.now())
    return back(f"/campaigns/{found.launch_id}")


@routes.post("/campaigns/{launch_id}/tests", **needs(Right.SUBMIT))
def tests(
    who: Who, desk: Ours, launch_id: str, customer: Annotated[str, Form(max_length=200)] = ""
) -> RedirectResponse:
    """Sends test messages to the testers of approval.yaml, with nobody's personal data in them."""
    found = desk.launches.one(launch_id)
    with desk.engine() as parts:
        meant = customer.strip()
        chosen = customer_meant(parts, meant, found.business_date, sight=who.sight).customer_id if meant else None
        sent = trials.send_trials(parts, found.launch_id, desk.now(), sight=who.sight, customer_id=chosen)
    desk.note(who, "launch.tested", found.subject, {"messages": len(sent)})
    return back(f"/campaigns/{found.launch_id}?tested={len(sent)}#tests")


def _version(desk: ConsoleDesk, found: Launch) -> str:
    """The version of the launch's strategy as it stands now; one that nothing has if it is gone."""
    return campaigns.current_version(desk.parts, found.strategy) or "gone"


def _demand_reason(what: Act, remark: str) -> None:
    if what in REASONED and not remark.strip():
        raise CultivaError(
            "a reason is missing",
            code="console.no_reason",
            seen="no remark",
            allowed="a few words for those who come after",
            hint="say why, and send the form again",
        )


def _no_act(what: Act) -> CultivaError:
    return CultivaError(
        "this is done on the page of approvals",
        code="console.other_page",
        kind=ErrorKind.NOT_FOUND,
        seen=what.value,
        allowed="launch, pause, resume, stop, finish",
        hint="open the approvals",
    )


def _no_number(given: str) -> CultivaError:
    return CultivaError(
        "this is no number of messages",
        code="console.no_number",
        seen=given[:20],
        allowed="a whole number, or nothing for no limit",
        hint="write 600 for ten messages a second",
    )

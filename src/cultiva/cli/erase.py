"""The commands by which customers are erased, and by which it is forbidden to erase them."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import JsonOption, SetOption, WorkspaceArgument, maybe_date
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import CultivaError

if TYPE_CHECKING:
    from cultiva.loop.erasing.service import Certified, Plan
    from cultiva.loop.parts import Parts

HEARD_SECONDS = 5.0
"""As `loop.erasing.asked` has it, which is not loaded for `--help`."""
ByOption = Annotated[str, typer.Option("--by", help="Who asks; stands in the certificate and in the audit.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("erase")(erase)
    app.command("erasures")(erasures)
    app.add_typer(_holds(), name="hold")


def erase(  # noqa: PLR0913, PLR0917  (what an order is)
    workspace: WorkspaceArgument,
    customers: Annotated[
        list[str] | None, typer.Argument(metavar="[CUSTOMER]...", help="Numbers, or SYSTEM:ID as a source system says.")
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="A file with one customer on each line.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, e.g. the number of the request; not who.")] = "",
    by: ByOption = "",
    plan: Annotated[bool, typer.Option("--plan", help="Show what would go; write nothing.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", help="Seconds until servers that take events have heard of it.", min=0)
    ] = HEARD_SECONDS,
    resume: Annotated[bool, typer.Option("--resume", help="Finish what was interrupted, and begin nothing.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Erase customers everywhere, for good, and lay down a certificate; they are not taken in again."""
    from cultiva.loop.erasing import service
    from cultiva.loop.erasing.asked import customers_meant

    with opened(workspace, set_) as parts:
        if resume:
            _certified(service.resume(parts, settle=lambda: _settle(parts, wait)), json_=json_)
            return
        meant = customers_meant(parts, [*(customers or ()), *_lines(listed)])
        if plan:
            _planned(service.plan(parts, meant), json_=json_)
        else:
            asked = service.Request(meant, by, reason)
            done = service.erase(parts, asked, settle=lambda: _settle(parts, wait))
            _certified([done], json_=json_)


def erasures(
    workspace: WorkspaceArgument,
    erasure: Annotated[str | None, typer.Argument(metavar="[ERASURE]", help="Show its certificate.")] = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """List erasures, or show the certificate of one and lay it down again."""
    from cultiva.execution.erasure.service import Erasures
    from cultiva.kit.sheet import Sheet
    from cultiva.loop.erasing import service

    with opened(workspace, set_) as parts:
        desk = Erasures(parts.store.database)
        if erasure is not None:
            order = desk.order(erasure)
            files = service.lay_down(parts, order) if order.seal else ()
            _certified([service.Certified(order, files)], json_=json_)
            return
        found = desk.all()
        if json_:
            show_json([{"erasure": one.erasure_id, "state": one.state, "sha256": one.seal} for one in found])
            return
        columns = ("erasure", "state", "customers", "by", "reason", "begun", "ended")
        rows = tuple(
            (one.erasure_id, one.state, one.people, one.asked_by, one.reason, one.begun, one.ended) for one in found
        )
        show_sheet(Sheet("erasures", columns, rows))


def _holds() -> typer.Typer:
    group = typer.Typer(help="Legal holds: customers who may not be erased.", no_args_is_help=True)
    for command in (add, list_, lift):
        group.command(command.__name__.rstrip("_"))(command)
    return group


def add(  # noqa: PLR0913, PLR0917  (what a hold is)
    workspace: WorkspaceArgument,
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Number, or SYSTEM:ID.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, e.g. the number of the case.")],
    by: ByOption,
    until: Annotated[
        str | None, typer.Option("--until", metavar="YYYY-MM-DD", help="The last day; until it is lifted if left out.")
    ] = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Forbid to erase a customer."""
    from secrets import token_hex

    from cultiva.execution.erasure.people import Hold
    from cultiva.execution.erasure.service import Erasures
    from cultiva.loop.erasing.asked import customers_meant

    with opened(workspace, set_) as parts:
        (number,) = customers_meant(parts, [customer])
        _require_hold(reason, by, until, parts.clock().date())
        hold = Hold(token_hex(8), number, reason, by, parts.clock(), until=_day(until))
        Erasures(parts.store.database).hold(hold)
        if json_:
            show_json(hold)
        else:
            show_line(f"hold {hold.hold_id}: customer {number} is not erased" + (f" until {until}" if until else ""))


def _require_hold(reason: str, by: str, until: str | None, today: date) -> None:
    """Refuses a hold that nobody could judge later, or that would hold nobody."""
    last = _day(until)
    if not reason.strip() or not by.strip() or (last is not None and last < today):
        raise CultivaError(
            "a legal hold needs a reason, a person and a day to come",
            code="erase.no_hold",
            seen=f"reason {reason!r}, by {by!r}, until {last or 'it is lifted'}",
            allowed=f"a reason, such as the number of the case, and who asks; no day before {today}",
            hint="give --reason and --by; leave --until out for a hold that lasts until it is lifted",
        )


def list_(
    workspace: WorkspaceArgument,
    every: Annotated[bool, typer.Option("--all", help="Those too that were lifted or are over.")] = False,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """List the holds in force."""
    from cultiva.execution.erasure.service import Erasures
    from cultiva.kit.sheet import Sheet

    with opened(workspace, set_) as parts:
        found = Erasures(parts.store.database).holds(standing=None if every else parts.clock().date())
        if json_:
            show_json(found)
            return
        columns = ("hold", "customer", "reason", "by", "placed", "until", "lifted", "lifted by")
        rows = tuple(
            (one.hold_id, one.customer_id, one.reason, one.placed_by, one.placed, one.until, one.lifted, one.lifted_by)
            for one in found
        )
        show_sheet(Sheet("legal holds", columns, rows))


def lift(
    workspace: WorkspaceArgument,
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="Id of a hold.")],
    by: ByOption,
    remark: Annotated[str, typer.Option("--remark", help="Why.")] = "",
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Lift a hold."""
    from cultiva.execution.erasure.service import Erasures

    with opened(workspace, set_) as parts:
        found = Erasures(parts.store.database).lift(hold, parts.clock(), by=by, remark=remark)
        if json_:
            show_json(found)
        else:
            show_line(f"hold {hold} of customer {found.customer_id} is lifted")


def _settle(parts: Parts, wait: float) -> None:
    """Servers look every few seconds who is known; until then they would still let events of an erased person in."""
    if parts.workspace.settings.live.enabled:
        time.sleep(wait)


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CultivaError(
            "the list of customers cannot be read",
            code="erase.unreadable",
            seen=f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}",
            allowed="a text file in UTF-8 with one customer on each line",
            hint="mend the path, or write the list anew",
        ) from error


def _day(text: str | None) -> date | None:
    return maybe_date(text)


def _planned(found: Plan, *, json_: bool) -> None:
    if json_:
        show_json(found)
        return
    people = f"{found.customers} customer" + ("" if found.customers == 1 else "s")
    show_line(
        f"{people}: {found.records} party records, {found.accounts} accounts of their own, "
        f"{found.visitors} anonymous ids"
    )
    for place, rows in [*found.lake.items(), *((f"store/{name}", rows) for name, rows in found.store.items())]:
        show_line(f"{rows:>10,}  {place}")
    show_line(f"tombstones: {', '.join(f'{rows} {kind}' for kind, rows in found.tombstones.items())}")
    show_line("nothing has been written")


def _certified(found: list[Certified], *, json_: bool) -> None:
    from cultiva.loop.erasing import service

    if json_:
        said: list[dict[str, Any]] = [service.data(one) for one in found]
        show_json(said[0] if len(said) == 1 else said)
        return
    for one in found:
        for path in one.files[-1:]:
            show_line(path.read_text(encoding="utf-8"))
        for path in one.files:
            show_line(str(path))
    if not found:
        show_line("nothing was interrupted")

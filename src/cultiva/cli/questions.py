"""Commands that ask: count, try, why, track."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from cultiva.cli.opening import opened
from cultiva.cli.options import (
    DateOption,
    JsonOption,
    MaybeDateOption,
    SetOption,
    WorkspaceArgument,
    maybe_date,
)
from cultiva.contracts.sight import EVERYBODY
from cultiva.kit.clock import parse_business_date, seconds, utc_now
from cultiva.kit.display import show_json, show_line, show_sheet
from cultiva.kit.errors import Fault

if TYPE_CHECKING:
    from datetime import date

    from cultiva.loop import questions
    from cultiva.loop.parts import Parts

CustomerArgument = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="A customer id, or SYSTEM:ID as a source system calls the customer.")
]
RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="A condition in the rule language.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("count")(count)
    app.command("try")(try_)
    app.command("why")(why)
    app.command("track")(track)
    app.command("replay")(replay)


def count(
    workspace: WorkspaceArgument,
    rule: RuleArgument,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Count the customers for whom a condition is true, exactly, on the newest profile."""
    from cultiva.loop import questions

    with opened(workspace, set_) as parts:
        begin = seconds()
        answer = questions.count(parts, rule, parts.newest_date(maybe_date(on)), sight=EVERYBODY)
        took = seconds() - begin
    if json_:
        show_json({**answer.data(), "seconds": round(took, 3)})
    else:
        show_line(
            f"{answer.count:,} of {answer.customers:,} customers ({answer.share:.1%}) on {answer.on}; {took:.2f} s"
        )


def try_(
    rule: RuleArgument,
    values: Annotated[str, typer.Option("--with", metavar="JSON", help="Values by name, as a JSON object.")] = "{}",
    on: DateOption = "",
    json_: JsonOption = False,
) -> None:
    """Try a rule on given values: true, false, null or a value, and why."""
    from cultiva.loop.trial import try_rule
    from cultiva.rules.explain import show_value
    from cultiva.rules.faults import RuleErrors

    try:
        trial = try_rule(rule, values, parse_business_date(on) if on else utc_now().date())
    except RuleErrors as error:
        raise RuleErrors(rule, map(_asked_for, error.faults)) from None
    if json_:
        show_json({"rule": trial.text, "date": trial.on, "result": trial.result, "why": trial.explanation})
        return
    show_line(show_value(trial.result), style="bold")
    for line in trial.explanation.lines():
        show_line(f"  {line}")


def _asked_for(fault: Fault) -> Fault:
    """A name without a value: here it is not looked up in a workspace, but given."""
    if fault.code != "rules.unknown_name":
        return fault
    given = f"give it a value: --with '{{\"{fault.seen}\": 1}}'"
    return replace(fault, hint=f"{given}; {fault.hint}" if fault.hint else given)


def why(
    workspace: WorkspaceArgument,
    customer: CustomerArgument,
    segment: Annotated[str | None, typer.Option(help="Why in or out of this segment.")] = None,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Say why a customer is in or out of a segment, or what was decided about the customer and why."""
    from cultiva.loop import questions

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        who = _meant(parts, customer, day, json_=json_)
        if segment is not None:
            _say_membership(questions.membership(parts, who, segment, day, sight=EVERYBODY), json_=json_)
        else:
            _say_decisions(questions.decisions_of(parts, who, day, sight=EVERYBODY), json_=json_)


def _meant(parts: Parts, customer: str, day: date, *, json_: bool) -> int:
    """The customer asked about; if the id given was merged away or split, that is said, beside the data of JSON."""
    from cultiva.loop.lineage import customer_meant

    meant = customer_meant(parts, customer, day, sight=EVERYBODY)
    for note in meant.notes:
        show_line(note, style="yellow", error=json_)
    return meant.customer_id


def _say_membership(answer: questions.MembershipAnswer, *, json_: bool) -> None:
    if json_:
        show_json(answer)
        return
    state = "in" if answer.member else "not in"
    show_line(f"customer {answer.customer_id} is {state} {answer.segment} on {answer.on}", style="bold")
    for line in answer.explanation.lines():
        show_line(f"  {line}")


def _say_decisions(told: questions.Told, *, json_: bool) -> None:
    from cultiva.loop import questions

    if json_:
        show_json(told)
    elif not told.decisions:
        show_line(f"customer {told.customer_id} is in no strategy's audience on {told.on}")
    else:
        show_line(f"customer {told.customer_id} on {told.on}", style="bold")
        for decision, sentence in told.decisions:
            show_line(f"  {decision.strategy}: {sentence}")
            for reason in told.reasons.get(questions.proposal_key(decision), ()):
                show_line(f"      {reason}")


def replay(
    workspace: WorkspaceArgument,
    customer: CustomerArgument,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Make the plan of a day again from what its run pinned, and compare it bit for bit; exit code 1 if it differs."""
    from cultiva.loop.replay import replay as again

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        found = again(parts, _meant(parts, customer, day, json_=json_), day)
    if json_:
        show_json({**asdict(found), "same": found.same})
    else:
        show_line(f"plan of run {found.run_id} on definitions {found.version}", style="bold")
        show_line(f"  published {found.fingerprint}")
        show_line(f"  again     {found.again}: {'the same, bit for bit' if found.same else 'DIFFERS'}")
        for one in found.decisions:
            state = "differs now" if one.strategy in found.differing else "the same"
            show_line(f"  {one.strategy}: {one.offer} over {one.channel or '-'}, {one.fate.value}: {state}")
    if not found.same:
        raise typer.Exit(1)


def track(
    workspace: WorkspaceArgument,
    customer: CustomerArgument,
    last: Annotated[int, typer.Option(help="Newest entries shown.", min=1)] = 50,
    on: MaybeDateOption = None,
    set_: SetOption = None,
    json_: JsonOption = False,
) -> None:
    """Show everything that a customer did and lived through, in order."""
    from cultiva.loop import questions

    with opened(workspace, set_) as parts:
        day = parts.newest_date(maybe_date(on))
        who = _meant(parts, customer, day, json_=json_)
        show_sheet(questions.track(parts, who, day, last=last, sight=EVERYBODY), as_json=json_)

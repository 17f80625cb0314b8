"""Campaigns: a strategy of the plan is put forward, explained, judged, let go, held and broken off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from cultiva.contracts.decision import Fate
from cultiva.definitions.strategies import Strategy
from cultiva.execution.launching.freezing import frozen_body, relied_on
from cultiva.execution.launching.halting import scope_of
from cultiva.execution.launching.launches import (
    OVER,
    RUNNING,
    Enrols,
    Halt,
    Launch,
    Person,
    State,
    Submission,
)
from cultiva.execution.launching.service import Consequence, Launches, counted
from cultiva.execution.launching.states import Act
from cultiva.execution.plays.compiling import compiled
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.hashing import content_hash
from cultiva.loop.parts import Parts

if TYPE_CHECKING:
    from cultiva.loop.explaining import Case

MINOR = 100
"""Minor units in one of money."""


CONSEQUENCES: Mapping[Act, Consequence] = {Act.STOP: counted}
"""What the audit is told beside the act itself."""


def launches_of(parts: Parts, consequences: Mapping[Act, Consequence] = CONSEQUENCES) -> Launches:
    """The launches of a workspace."""
    return Launches(parts.store.database, parts.workspace.approval, consequences=consequences)


def body_of(parts: Parts, strategy: str) -> dict[str, Any]:
    """What a launch of the strategy, as it stands now, would be an approval of."""
    one = checked_strategy(parts, strategy)
    return frozen_body(parts.workspace, strategy, compiled(one, parts.workspace).to_json())


def current_version(parts: Parts, strategy: str) -> str | None:
    """The version of a strategy as it stands now; None: the workspace has it no more."""
    return content_hash(body_of(parts, strategy)) if strategy in parts.workspace.strategies else None


def submit(parts: Parts, strategy: str, on: date, *, enrols: Enrols, author: Person) -> Launch:
    """Puts a strategy forward as the plan of a business date has it, with its explanation.

    Args:
        parts: Of the workspace.
        strategy: Its name.
        on: Business date of a plan.
        enrols: once: the customers of that plan. daily: those of every day's plan from then on.
        author: Who puts it forward.

    Raises:
        CultivaError: if it is not in that plan, has changed since, or would reach nobody.
    """
    case = _case(parts, strategy, on, enrols)
    explained = explain(case)
    if not explained["customers"]:
        raise CultivaError(
            "this launch would reach nobody",
            code="campaigns.nobody",
            kind=ErrorKind.CONFLICT,
            seen=f"{strategy} on {on}: nobody was chosen",
            allowed="a strategy for which the plan has chosen somebody",
            hint=f"cultiva show {parts.root} strategies --date {on} says where they are lost",
        )
    one = Submission(
        strategy=strategy,
        workspace_version=parts.workspace.version,
        business_date=on,
        enrols=enrols,
        cost=round(explained["cost"]["planned"] * MINOR),
        body=body_of(parts, strategy),
        explanation=explained,
    )
    return launches_of(parts).submit(one, author, parts.clock())


def explain(case: Case) -> dict[str, Any]:
    """The whole explanation, with what clashes with other launches now and the test messages."""
    from cultiva.loop.explaining import explanation_of, tests

    version = content_hash(body_of(case.parts, case.strategy.name))
    sends = [{name: value for name, value in one.items() if name != "address"} for one in tests(case, version)]
    return {**explanation_of(case), "conflicts": conflicts(case), "tests": sends}


def explained(parts: Parts, name: str, *, clashes: bool = True) -> dict[str, Any]:
    """A launch with everything that is known of it: as explained when it was submitted, and as it stands now.

    Args:
        parts: Of the workspace.
        name: The launch, by its id or its beginning.
        clashes: Whether what clashes with it now is counted, for which the plans of all are read; else it is empty.
    """
    launches = launches_of(parts)
    launch = launches.one(name)
    missing = launches.missing(launch)
    now = current_version(parts, launch.strategy)
    unasked: list[dict[str, Any]] | None = []
    now_clashing = unasked if not clashes else conflicts_now(parts, launch) if launch.state not in OVER else None
    return {
        "launch": data(launch),
        "approvals": [asdict(one) for one in launches.judgements(launch.launch_id)],
        "missing": asdict(missing) if launch.state is State.SUBMITTED else None,
        "changed_since": now != launch.version,
        "halts": [asdict(one) for one in halts_on(launches, launch)],
        "conflicts_now": now_clashing,
        "explanation": launch.explanation,
    }


def conflicts_now(parts: Parts, launch: Launch) -> list[dict[str, Any]] | None:
    """What clashes with a launch at this moment; None: its strategy or its plan is gone."""
    case = _stored_case(parts, launch)
    return None if case is None else conflicts(case, launch.launch_id)


def halts_on(launches: Launches, launch: Launch) -> list[Halt]:
    """Emergency stops in force that concern a launch, even if only one of its channels."""
    scopes = {"all", f"strategy:{launch.strategy}", *(f"channel:{name}" for name in launch.channels)}
    return [one for scope, one in launches.halts().items() if scope in scopes]


def test_sends(parts: Parts, name: str) -> list[dict[str, Any]]:
    """The deliveries of a launch to the testers of approval.yaml, with their addresses in full; not rendered yet.

    Raises:
        CultivaError: if the strategy has changed since, or its plan is gone.
    """
    from cultiva.loop.explaining import tests

    launch = launches_of(parts).one(name)
    case = _case(parts, launch.strategy, launch.business_date, launch.enrols)
    return tests(case, launch.version)


test_sends.__test__ = False  # type: ignore[attr-defined]  # it is no test of pytest's


def data(launch: Launch) -> dict[str, Any]:
    """A launch as JSON-like data, without body and explanation."""
    told = {name: value for name, value in asdict(launch).items() if name not in ("body", "explanation")}
    return {**told, "cost": launch.money}


def checked_scope(parts: Parts, channel: str | None, strategy: str | None) -> str:
    """The scope of an emergency stop, of a channel and a strategy that exist.

    Raises:
        CultivaError: if they do not.
    """
    channels = [one.name for one in parts.workspace.policy.channels]
    if channel is not None and channel not in channels:
        raise CultivaError(
            "there is no such channel",
            code="campaigns.no_channel",
            kind=ErrorKind.NOT_FOUND,
            seen=channel,
            allowed=", ".join(channels),
            hint=did_you_mean(channel, channels) or "leave it out to stop everything",
        )
    if strategy is not None:
        checked_strategy(parts, strategy)
    return scope_of(channel, strategy)


def known_scope(parts: Parts, scope: str) -> str:
    """The scope of an emergency stop as one text, of a channel that exists, or a strategy that does or was launched.

    Raises:
        CultivaError: if it is none: a stop of what is misspelt would stop nothing.
    """
    kind, _, name = scope.partition(":")
    if kind == "channel" and name:
        return checked_scope(parts, name, None)
    if kind == "strategy" and name and not launches_of(parts).all(strategy=name):
        return checked_scope(parts, None, name)
    return scope


def checked_strategy(parts: Parts, name: str) -> Strategy:
    """The strategy of that name.

    Raises:
        CultivaError: if there is none.
    """
    known = parts.workspace.strategies
    if name not in known:
        raise CultivaError(
            "there is no such strategy",
            code="loop.no_strategy",
            kind=ErrorKind.NOT_FOUND,
            seen=name,
            allowed=", ".join(known),
            hint=did_you_mean(name, known) or "name one of the strategies in strategies/",
        )
    return known[name]


def conflicts(case: Case, launch_id: str = "") -> list[dict[str, Any]]:
    """Other launches that run, or are about to, and reach some of the same customers, or make the same offers.

    Args:
        case: What is explained.
        launch_id: Its own launch, which is no conflict; empty: it has none yet.
    """
    launches = launches_of(case.parts)
    others = [one for one in launches.all(states={*RUNNING, State.APPROVED}) if one.launch_id != launch_id]
    found = [_conflict(case, launches, launches.one(one.launch_id)) for one in others]
    return [one for one in found if one["customers"] or one["offers"]]


def _conflict(case: Case, launches: Launches, other: Launch) -> dict[str, Any]:
    workspace = case.parts.workspace
    things = {name: one.group or name for name, one in workspace.offers.items()}
    mine = {things.get(name, name) for name in case.strategy.offers}
    both, same = _shared(case, launches, other, things)
    return {
        "launch_id": other.launch_id,
        "strategy": other.strategy,
        "state": str(other.state),
        "date": str(other.business_date),
        "customers": both,
        "same_offer": same,
        "offers": [name for name in other.offers if things.get(name, name) in mine],
        "channels": [name for name in other.channels if name in case.strategy.channels],
    }


def _shared(case: Case, launches: Launches, other: Launch, things: Mapping[str, str]) -> tuple[int, int]:
    """Customers whom both reach, and those to whom both make the same offer, or offers that exclude each other.

    The other's people are those on their way in its play; before anybody is, those of its plan.
    """
    import ibis
    import pyarrow as pa

    engine = case.parts.engine
    ids, offers = launches.people_in(other.launch_id)
    if ids:
        columns = {"customer_id": pa.array(ids, pa.int64()), "their_offer": pa.array(offers, pa.string())}
        theirs = engine.load(pa.table(columns))
    else:
        files = case.parts.lake.files_current("decisions", other.business_date)
        if not files:
            return 0, 0
        every = engine.scan(files)
        chosen = every.filter((every.strategy == other.strategy) & (every.fate == Fate.CHOSEN.value))
        theirs = chosen.select("customer_id", their_offer="offer")
    joined = case.chosen.select("customer_id", "offer").inner_join(theirs, "customer_id")
    first, second = (_thing(joined[name], things) for name in ("offer", "their_offer"))
    counted = joined.aggregate(
        both=joined.customer_id.nunique(),
        same=joined.customer_id.nunique(where=(first == second).fill_null(ibis.literal(False))),
    )
    row = case.rows(counted)[0]
    return int(row["both"]), int(row["same"])


def _thing(offer: Any, things: Mapping[str, str]) -> Any:
    """The group of an offer, or the offer itself."""
    import ibis

    grouped = [(offer == name, ibis.literal(thing)) for name, thing in things.items() if thing != name]
    return ibis.cases(*grouped, else_=offer) if grouped else offer


def _case(parts: Parts, strategy: str, on: date, enrols: Enrols) -> Case:
    """The strategy in the plan of a day.

    Raises:
        CultivaError: if it is not in that plan, or has changed since.
    """
    from cultiva.loop.explaining import Case  # statistics: acts on launches need not wait for them

    one = checked_strategy(parts, strategy)
    if not parts.lake.files_current("decisions", on):
        raise CultivaError(
            "there is no plan of that day",
            code="campaigns.no_plan",
            kind=ErrorKind.NOT_FOUND,
            seen=str(on),
            allowed="the business date of a finished run",
            hint=f"cultiva run {parts.root} --date {on}",
        )
    changed = _changed_since_plan(parts, one, on)
    if not one.active or changed:
        raise CultivaError(
            "the plan of that day does not have the strategy as it stands now",
            code="campaigns.not_in_plan",
            kind=ErrorKind.CONFLICT,
            seen=", ".join(changed) if one.active else f"{strategy} is not active",
            allowed="definitions as the run of that day has used them",
            hint=f"cultiva run {parts.root} --date {on} plans with them" if one.active else "set active: true, and run",
        )
    return Case(parts, one, on, enrols)


def _stored_case(parts: Parts, launch: Launch) -> Case | None:
    """The case of a launch, as far as strategy and plan are still there."""
    from cultiva.loop.explaining import Case

    one = parts.workspace.strategies.get(launch.strategy)
    if one is None or not parts.lake.files_current("decisions", launch.business_date):
        return None
    return Case(parts, one, launch.business_date, launch.enrols)


def _changed_since_plan(parts: Parts, one: Strategy, on: date) -> list[str]:
    """Definitions that say who gets what, and are not what the run of the day has used."""
    run = parts.store.runs.newest(on)
    if run is None:
        return ["no run of that day"]
    used: Mapping[tuple[str, str], str] = parts.store.registry.workspace(run.request.workspace_version).definitions
    named: Sequence[tuple[str, str]] = [
        ("strategy", one.name), *(("offer", name) for name in one.offers), ("contact_policy", "contact_policy"),
        *relied_on(parts.workspace, one),
    ]  # fmt: skip
    now = parts.workspace.hashes
    return [
        f"{kind} {name}" for kind, name in named if (kind, name) in now and used.get((kind, name)) != now[kind, name]
    ]

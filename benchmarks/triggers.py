"""What an event costs with 10, 100 and 1,000 triggers and as many segments, and five months of loan applications.

Of the triggers ten listen to the events that come in, whatever their number; the others listen to other events. Every
third of the ten waits (A and then not B), and every trigger's rule reads the event and the profile. A peer that a bank
would write itself, one loop over all triggers per event with the same compiled rules, runs beside it. It remembers
nothing, waits for nothing and tells no story, so what matters is how both grow.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

DESCRIPTION = "cost of an event with 10, 100, 1,000 triggers and segments; BPI 2012 replayed through the live path"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
COUNTS = (10, 100, 1_000)
LISTENING = 10
"""Triggers that listen to the events that come in."""
KINDS = 100
"""Kinds of event that there are."""
EVENTS = {"small": 4_000, "default": 20_000, "large": 200_000}
"""Events per round."""
REPEATS = 5
NAMES = {"zh": "某", "en": "some"}


def run(size: str | None) -> dict[str, Any]:
    """Cost per event by number of triggers, and the story."""
    events = EVENTS[size or "default"]
    flat = _measured(events)
    first, last = flat[str(COUNTS[0])], flat[str(COUNTS[-1])]
    result: dict[str, Any] = {
        "size": size or "default",
        "events": events,
        "listening": LISTENING,
        "by_triggers": flat,
        "growth_10_to_1000": round(last["microseconds"] / first["microseconds"], 2),
        "peer_growth_10_to_1000": round(last["peer_microseconds"] / first["peer_microseconds"], 2),
    }
    story = _story(size or "default")
    return {**result, "bpi2012": story} if story else result


def _measured(events: int) -> dict[str, dict[str, Any]]:
    """Number of triggers -> microseconds of processor time per event, with and without folding, and the peer's.

    Rounds with few and many triggers take turns, so that a busy machine is busy for all; the best round counts.
    """
    from cultiva.execution.triggers.service import Triggers
    from cultiva.insight.live.service import Live

    moments = _moments(events)
    some = moments[: max(events // 20, 1_000)]
    sides = {count: (bank, Triggers(bank), Live(bank)) for count in COUNTS for bank in (_bank(count),)}
    for _, triggers, live in sides.values():
        _round(live, triggers, some, fold=True)  # rules are compiled once a day
    rounds = [
        (count, _round(live, triggers, moments), _round(live, triggers, moments, fold=True)[0], _peer(bank, some))
        for _ in range(REPEATS)
        for count, (bank, triggers, live) in sides.items()
    ]
    return {str(count): _best([one[1:] for one in rounds if one[0] == count], events) for count in COUNTS}


def _best(rounds: Sequence[tuple[tuple[float, int], float, float]], events: int) -> dict[str, Any]:
    seconds, firings = min(plain for plain, _, _ in rounds)
    return {
        "microseconds": round(seconds / events * 1e6, 2),
        "with_fold_microseconds": round(min(folded for _, folded, _ in rounds) / events * 1e6, 2),
        "events_per_second": round(events / seconds),
        "firings": firings,
        "peer_microseconds": round(min(peer for _, _, peer in rounds) * 1e6, 2),
    }


def _bank(count: int) -> Any:
    """The starter pack with so many triggers and segments more."""
    import cultiva.packs
    from cultiva.definitions.events import EventType
    from cultiva.definitions.loading import load_workspace
    from cultiva.definitions.segments import Segment
    from cultiva.definitions.triggers import Trigger

    found = load_workspace(Path(next(iter(cultiva.packs.__path__))) / "retail_bank")
    properties = {"amount": "number", "product": "text"}
    events = {
        name: EventType.model_validate({"name": name, "label": NAMES, "properties": properties})
        for name in (f"kind_{number}" for number in range(KINDS))
    }
    segments = {
        f"bench_{number}": Segment.model_validate(
            {"name": f"bench_{number}", "label": NAMES, "rule": f"aum >= {number * 100} and age < 60"}
        )
        for number in range(count)
    }
    triggers = {f"t{number}": Trigger.model_validate(_trigger(number)) for number in range(count)}
    return replace(found, events={**found.events, **events}, segments={**found.segments, **segments}, triggers=triggers)


def _trigger(number: int) -> dict[str, Any]:
    listens = number < LISTENING
    kind = 0 if listens else 2 + number % (KINDS - 2)
    said: dict[str, Any] = {
        "name": f"t{number}",
        "label": NAMES,
        "on": f"kind_{kind}",
        "when": f"event.amount >= {95 + number % 5} and segment('bench_{number}') and event.product <> 'x'",
        "again_after": {"days": 7},
        "does": {"placement": {"placement": "app_home_banner", "strategy": "dormant_wake_up"}},
    }
    if number % 3 == 0:
        said["then_not"] = {"event": "kind_1" if listens else f"kind_{kind}", "within": {"minutes": 30}}
    return said


def _moments(events: int) -> list[Any]:
    """Events of 2,000 customers: half of the kind that triggers begin with, half of the kind that they wait for."""
    from cultiva.contracts.moments import Moment

    rng, found = random.Random(20261123), []
    for number in range(events):
        at = START + timedelta(seconds=number)
        found.append(
            Moment(
                message_id=f"m{number}", customer_id=rng.randrange(2_000), name=f"kind_{number % 2}", at=at,
                day=at.date(), received=at, properties={"amount": float(rng.randrange(100)), "product": "card"},
            )
        )  # fmt: skip
    return found


class _Row(dict[str, Any]):
    """A profile that costs nothing, so that what is measured is the triggers."""

    def __missing__(self, name: str) -> None:
        return None


def _round(live: Any, triggers: Any, moments: Sequence[Any], *, fold: bool = False) -> tuple[float, int]:
    from cultiva.contracts.moments import HotRecord, read_hot, write_hot

    states: dict[int, bytes] = {}
    row: Mapping[str, Any] = _Row(aum=250_000.0, age=40)
    firings, began = 0, process_time()
    for one in moments:
        record = read_hot(states.get(one.customer_id))
        profile = live.fold(record.profile, [one], "") if fold else record.profile
        stepped = triggers.step(record.triggers, one, row, one.received)
        states[one.customer_id] = write_hot(HotRecord(profile, stepped.state, record.decisions))
        firings += len(stepped.firings)
    return process_time() - began, firings


def _peer(workspace: Any, moments: Sequence[Any]) -> float:
    """Seconds per event of one loop over all triggers; it remembers nothing and waits for nothing."""
    from cultiva.contracts.types import DataType
    from cultiva.definitions.scopes import trigger_scope
    from cultiva.rules import compile_rule

    rules: list[tuple[frozenset[str], Callable[[Mapping[str, Any]], Any]]] = []
    for trigger in workspace.triggers.values():
        made = compile_rule(trigger.when, trigger_scope(workspace, trigger), expected=DataType.BOOLEAN)
        rules.append((frozenset(trigger.on), made.test(START.date())))
    began, fired = process_time(), 0
    for one in moments:
        row = {"aum": 250_000.0, "age": 40, "event.amount": one.properties["amount"], "event.product": "card"}
        for names, rule in rules:
            if one.name in names and rule(row):
                fired += 1
    return (process_time() - began) / len(moments)


def _story(size: str) -> dict[str, Any]:
    """All loan applications of the public data, if they are there."""
    from sqlalchemy import func, select
    from tests.stories.broken_off import FILE, applications, loan_bank, oracle, proposals, replay

    from cultiva.execution.tables import FIRING
    from cultiva.store import open_store

    if not FILE.exists():
        return {}
    before = datetime(2011, 10, 15, tzinfo=UTC) if size == "small" else None
    rows = applications(before=before)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_store("sqlite:///store.db", folder)
        done = replay(store, folder, rows, loan_bank())
        counted = select(FIRING.c.trigger, FIRING.c.state, FIRING.c.reason, func.count().label("firings"))
        with store.database.reading() as connection:
            asked = counted.group_by(FIRING.c.trigger, FIRING.c.state, FIRING.c.reason)
            states = {
                f"{row.trigger} {row.state} {row.reason}".strip(): row.firings for row in connection.execute(asked)
            }
            due = select(FIRING.c.customer_id, FIRING.c.due).where(FIRING.c.trigger == "application_broken_off")
            proposed = proposals(folder, loan_bank(), {row.customer_id: row.due for row in connection.execute(due)})
        store.close()
    return {
        "applications": rows["application"].n_unique(),
        "events": done.events,
        "seconds": round(done.seconds, 1),
        "events_per_second": round(done.per_second),
        "timers": done.timers,
        "firings": dict(sorted(states.items())),
        "broken_off_by_the_oracle": oracle(rows, done.until).height,
        **_lead(rows, done.until),
        "proposed": _proposed(proposed),
    }


def _proposed(rows: Any) -> dict[str, Any]:
    """What decide says at the instant of the firing: fate of the call, how many, what it would be worth."""
    import polars as pl

    told = rows.group_by("call_fate").agg(
        calls=pl.len(), slots=(pl.col("slot_first") == "loan_pick_up").sum(), worth=pl.col("call_worth").sum().round(0),
        median_worth=pl.col("call_worth").median(),
    )  # fmt: skip
    return {row["call_fate"]: row for row in told.sort("call_fate").iter_rows(named=True)}


def _lead(rows: Any, until: datetime) -> dict[str, Any]:
    """What became of the applications that were broken off, and how much later the bank closed them."""
    import polars as pl
    from tests.stories.broken_off import oracle

    last = rows.pivot(on="name", index="application", values="at", aggregate_function="min")
    mine = oracle(rows, until).join(last, on="application")
    cancelled = mine.drop_nulls("application_cancelled")
    lead = (cancelled["application_cancelled"] - cancelled["due"]).dt.total_days()
    before = last.drop_nulls("application_preaccepted")
    share: pl.Series = before["application_approved"].is_not_null()
    return {
        "of_those_cancelled_later": cancelled.height,
        "of_those_approved": mine["application_approved"].is_not_null().sum(),
        "approved_of_all_preaccepted": round(float(share.mean() or 0), 3),  # type: ignore[arg-type]
        "median_days_before_the_bank_closed": lead.median(),
    }

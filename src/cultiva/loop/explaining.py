"""A launch explained from the plan of its business date: who, how many after every filter, at what cost, against whom.

Everything is counted by the engine; what comes here are the few numbers, and a handful of sample customers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.definitions.content import chosen as fitting
from cultiva.definitions.strategies import Strategy
from cultiva.execution.launching.launches import Enrols
from cultiva.execution.launching.trials import test_sends
from cultiva.execution.launching.waves import Wave, cost_of, waves
from cultiva.execution.plays.compiling import compiled
from cultiva.kit.masking import mask_name, mask_text
from cultiva.kit.numbers import settled
from cultiva.kit.words import LANGUAGES, say
from cultiva.loop.forecasting import expectation_of
from cultiva.loop.parts import Parts
from cultiva.loop.questions import decision_of
from cultiva.strategy.lists import with_reasons
from cultiva.strategy.map import forecast as foreseen
from cultiva.strategy.map.forecast import MONTH_DAYS, USUAL, Expectation, Volume
from cultiva.strategy.words import sentence

if TYPE_CHECKING:
    import ibis

SAMPLES, HELD_SAMPLES = 5, 2
"""Customers shown: proposed, left alone."""
BUSIEST = 10
"""Advisers shown."""
PAST_DAYS = 7
"""Earlier plans counted."""
WORKING_DAYS = 5
"""In a week."""
HELD = (Fate.HELD_OUT_GLOBAL, Fate.HELD_OUT)
MIXED = 1_000_003
"""A prime: customers are sampled in the order of `id * 7919 mod MIXED`, the same on every engine, not by age."""


@dataclass(frozen=True)
class Case:
    """What is explained."""

    parts: Parts
    strategy: Strategy
    on: date
    enrols: Enrols

    @property
    def decisions(self) -> ibis.Table:
        """All decisions of the day."""
        return self.parts.engine.scan(self.parts.lake.files_current("decisions", self.on))

    @property
    def chosen(self) -> ibis.Table:
        """Whom the strategy would reach."""
        every = self.decisions
        return every.filter((every.strategy == self.strategy.name) & (every.fate == Fate.CHOSEN.value))

    def rows(self, table: ibis.Table) -> list[dict[str, Any]]:
        """A small table as rows."""
        found: list[dict[str, Any]] = self.parts.engine.fetch(table).to_pylist()
        return found


def explanation_of(case: Case) -> dict[str, Any]:
    """Everything that an approver should know, as JSON-like data; see docs/guides/campaigns.md for each part."""
    parts, one, on = case.parts, case.strategy, case.on
    parted = foreseen.volumes(parts.engine, parts.lake.files_current("decisions", on), one.name, parts.workspace)
    customers = sum(part.customers for part in parted)
    hope = expectation_of(parts, on, one.name, parted)
    found = waves(compiled(one, parts.workspace))
    return {
        "strategy": one.name,
        "label": {"zh": one.label.zh, "en": one.label.en},
        "owner": one.owner,
        "description": {language: say(one.description, language) for language in LANGUAGES},
        "audience": " ".join(one.audience.split()),
        "eligible": " ".join(one.eligible.split()),
        "stages": list(one.stages),
        "tiers": list(one.tiers),
        "date": str(on),
        "enrols": case.enrols,
        "currency": parts.workspace.settings.currency,
        "customers": customers,
        "funnel": funnel(case),
        "volumes": [asdict(part) for part in parted],
        "waves": [{**asdict(wave), "customers_max": round(wave.share * customers)} for wave in found],
        "cost": cost(case, parted, found, hope),
        "effect": effect(case, hope, customers),
        "channels": channels(case),
        "days": days(case),
        "load": load(case),
        "held_out": held_out(case),
        "samples": samples(case),
    }


def funnel(case: Case) -> list[dict[str, Any]]:
    """How many customers are left after every filter, from all customers of the bank to those reached."""
    parts = case.parts
    counts = foreseen.funnel(parts.engine, parts.lake.files_current("decisions", case.on), case.strategy.name)
    snapshot = parts.store.snapshots.current("profile", case.on)
    everybody, left = 0 if snapshot is None else snapshot.rows, sum(counts.values())
    told = [
        {"step": "customers", "lost": 0, "left": everybody},
        {"step": "audience", "lost": everybody - left, "left": left},
    ]
    for fate in (one for one in foreseen.ORDER if one is not Fate.CHOSEN):
        left -= counts[fate.value]
        told.append({"step": fate.value, "lost": counts[fate.value], "left": left})
    return told


def cost(case: Case, parted: Sequence[Volume], found: Sequence[Wave], hope: Expectation) -> dict[str, Any]:
    """What it costs: contacts of all waves at most, offers as far as they are taken up, and at most."""
    workspace = case.parts.workspace
    customers = sum(part.customers for part in parted)
    unit = {one.name: one.unit_cost for one in workspace.policy.channels}
    first = sum(part.customers * part.channel_cost for part in parted)
    contacts = cost_of(found, first, customers, unit)
    granted = sum(
        wave.share * customers * workspace.offers[wave.offer].unit_cost for wave in found if wave.kind == "grant"
    )
    most = sum(part.customers * part.offer_cost for part in parted)
    offers = most if hope.take_up is None else most * hope.take_up
    run = contacts + offers + granted
    budget = case.strategy.budget
    planned = run if case.enrols == "once" else min(run * MONTH_DAYS, budget if budget is not None else float("inf"))
    return {
        "first_wave": settled(first),
        "contacts": settled(contacts),
        "offers": settled(offers),
        "offers_most": settled(most),
        "grants": settled(granted),
        "take_up": hope.take_up,
        "take_up_source": hope.take_up_source,
        "run": settled(run),
        "days": 1 if case.enrols == "once" else MONTH_DAYS,
        "budget": budget,
        "planned": round(planned, 2),
    }


def effect(case: Case, hope: Expectation, customers: int) -> dict[str, Any]:
    """What it is expected to bring before cost, over the horizon, with where that comes from and its interval."""
    import ibis

    chosen = case.chosen
    sums = {name: chosen[name].sum().cast("float64") for name in ("effect", "cost", "worth")}
    by = chosen.group_by(source=chosen.worth_by.fill_null(ibis.literal(""))).aggregate(customers=chosen.count(), **sums)
    half = USUAL * hope.se
    return {
        "source": hope.source,
        "horizon_days": case.parts.workspace.review.horizon_days,
        "per_customer": settled(hope.effect),
        "low": settled(hope.effect - half),
        "high": settled(hope.effect + half),
        "total": settled(hope.effect * customers),
        "total_low": settled((hope.effect - half) * customers),
        "total_high": settled((hope.effect + half) * customers),
        "by_source": sorted(
            ({name: settled(value) if isinstance(value, float) else value for name, value in row.items()}
             for row in case.rows(by)),
            key=lambda row: str(row["source"]),
        ),
    }  # fmt: skip


def channels(case: Case) -> list[dict[str, Any]]:
    """Volumes of the day by channel: of this strategy, of all others, and what the channel can take."""
    every = case.decisions
    chosen = every.filter(every.fate == Fate.CHOSEN.value)
    mine = (chosen.strategy == case.strategy.name).cast("int64")
    counted = chosen.group_by("channel").aggregate(n=chosen.count(), mine=mine.sum())
    kinds = {one.name: one for one in case.parts.workspace.policy.channels}
    limits = {
        one.channels[0]: one.at_most
        for one in case.parts.workspace.arbitration.resources
        if one.counts == "touches"
        and one.per == "day"
        and len(one.channels) == 1
        and not (one.strategies or one.offers)
    }
    return [
        {
            "channel": row["channel"],
            "kind": kinds[row["channel"]].kind if row["channel"] in kinds else "",
            "customers": int(row["mine"]),
            "others": int(row["n"]) - int(row["mine"]),
            "at_most": limits.get(row["channel"]),
        }
        for row in sorted(case.rows(counted), key=lambda row: (-int(row["mine"]), row["channel"]))
        if row["mine"]
    ]


def days(case: Case) -> list[dict[str, Any]]:
    """Customers whom the plans of the last days would have reached, the newest last: what a daily launch enrols."""
    parts = case.parts
    history = parts.lake.catalogue.history("decisions", case.on)[-PAST_DAYS:]
    found = []
    for one in history:
        counts = foreseen.chosen_by_strategy(parts.engine, [parts.lake.folder(one)])
        found.append({"date": str(one.business_date), "customers": counts.get(case.strategy.name, 0)})
    return found


def load(case: Case) -> dict[str, Any]:
    """What it puts on people: contacts by adviser, with what other strategies put on them that day."""
    human = [one.name for one in case.parts.workspace.policy.channels if one.kind == "human"]
    every = case.decisions
    chosen = every.filter((every.fate == Fate.CHOSEN.value) & every.channel.isin(human))
    mine = (chosen.strategy == case.strategy.name).cast("int64")
    by = chosen.group_by("adviser_id").aggregate(n=chosen.count(), mine=mine.sum())
    rows = [row for row in case.rows(by) if row["mine"]]
    able = _contacts_per_day(case)
    people = [
        {"adviser": row["adviser_id"], "contacts": int(row["mine"]), "others": int(row["n"]) - int(row["mine"]),
         "per_day_max": able.get(row["adviser_id"])}
        for row in rows
        if row["adviser_id"] is not None
    ]  # fmt: skip
    people.sort(key=lambda one: (-one["contacts"], one["adviser"]))
    return {
        "contacts": sum(int(row["mine"]) for row in rows),
        "advisers": len(people),
        "without_adviser": sum(int(row["mine"]) for row in rows if row["adviser_id"] is None),
        "most": max((one["contacts"] for one in people), default=0),
        "over": sum(1 for one in people if one["per_day_max"] and one["contacts"] + one["others"] > one["per_day_max"]),
        "busiest": people[:BUSIEST],
    }


def _contacts_per_day(case: Case) -> dict[str, int]:
    files = case.parts.lake.files_latest("staff", case.on)
    if not files:
        return {}
    staff = case.parts.engine.scan(files).select("staff_id", "contacts_per_week_max")
    return {row["staff_id"]: -(-int(row["contacts_per_week_max"]) // WORKING_DAYS) for row in case.rows(staff)}


def held_out(case: Case) -> dict[str, Any]:
    """Who is left alone to measure the effect, and how many of them take part in the comparison."""
    every = case.decisions
    held = every.filter((every.strategy == case.strategy.name) & every.fate.isin([one.value for one in HELD]))
    exposed = held.exposed.cast("int64")
    counted = held.group_by("fate").aggregate(
        customers=held.customer_id.nunique(), compared=held.customer_id.nunique(where=held.exposed), rows=exposed.sum()
    )
    found = {row["fate"]: row for row in case.rows(counted)}
    return {
        "share": case.strategy.holdout,
        "by": case.strategy.holdout_by,
        "global_share": case.parts.workspace.policy.global_holdout,
        **{
            fate.value: {name: int(found[fate.value][name]) if fate.value in found else 0
                         for name in ("customers", "compared")}
            for fate in HELD
        },
    }  # fmt: skip


def samples(case: Case) -> list[dict[str, Any]]:
    """A few customers as an approver sees them: names masked, the reason as people read it, the decision in words."""
    import ibis

    every, lake = case.decisions, case.parts.lake
    mine = every.filter(every.strategy == case.strategy.name)
    mixed = ((ibis._.customer_id % MIXED) * 7919) % MIXED
    held = mine.filter(mine.fate.isin([one.value for one in HELD]) & mine.exposed)
    tables = [
        asked.mutate(mixed=mixed).order_by("mixed", "customer_id").limit(most).drop("mixed")
        for asked, most in ((mine.filter(mine.fate == Fate.CHOSEN.value), SAMPLES), (held, HELD_SAMPLES))
    ]
    drawn = [row for table in tables for row in case.rows(table)]
    if not drawn:
        return []
    frame = pl.DataFrame(drawn, infer_schema_length=None).select("customer_id", "strategy").unique().lazy()
    files = (lake.files_current("profile", case.on), lake.files_current("customer", case.on))
    told = with_reasons(frame, *files, case.parts.workspace).collect().to_dicts()
    known = {row["customer_id"]: row for row in told}
    return [_sample(case, row, known[row["customer_id"]]) for row in drawn]


def _sample(case: Case, row: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    workspace, held = case.parts.workspace, row["fate"] != Fate.CHOSEN.value
    return {
        "customer_id": row["customer_id"],
        "name": mask_name(known["name"] or ""),
        "stage": known["stage"],
        "value_tier": known["value_tier"],
        "offer": row["offer"],
        "channel": row["channel"],
        "fate": row["fate"],
        "reason": "" if held else mask_text(known["reason"] or ""),
        "decision": {name: sentence(decision_of(row), workspace, language=name) for name in ("zh", "en")},
    }


def tests(case: Case, version: str) -> list[dict[str, Any]]:
    """Every different message of the launch to every tester, as deliveries still to be rendered; addresses in full."""
    workspace, one = case.parts.workspace, case.strategy
    chosen = case.chosen
    pairs = case.rows(chosen.select("offer", "channel").distinct())
    decided = sorted((row["offer"], row["channel"]) for row in pairs)
    found = waves(compiled(one, workspace))
    contents = {}
    for wave in found:
        for offer, channel in decided:
            names = (wave.offer or offer, wave.channel or channel)
            content = fitting(workspace.contents, *names, one.name)
            contents[wave.content, *names] = wave.content or (content.name if content is not None else "")
    sends = test_sends(version, found, decided, workspace.approval.testers, contents=contents)
    return [{**asdict(one), "shown_address": one.shown_address} for one in sends]

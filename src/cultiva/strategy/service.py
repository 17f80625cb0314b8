"""The plan of a day: every strategy's candidates, judged, in competition, with one fate each."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.decision import Fate
from cultiva.contracts.types import DataType
from cultiva.definitions.review import RankBy
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.workspace import Workspace
from cultiva.engine.parquet import part_files, part_path, rows_in, write_arrow
from cultiva.engine.port import Engine, Files, Written
from cultiva.rules import Scope, compile_rule
from cultiva.strategy.assessment import assessed, suppression
from cultiva.strategy.candidates import DECIDED, candidates
from cultiva.strategy.desk import Papers, lay_out
from cultiva.strategy.limits import DayLimits, Spent, limits_of
from cultiva.strategy.openings import openings
from cultiva.strategy.pricing.cells import read_ladders
from cultiva.strategy.proposals import Book
from cultiva.strategy.ranking import Ranking, read_learnt, with_learnt

if TYPE_CHECKING:
    import ibis

    from cultiva.strategy.competition import Outcome, Price
    from cultiva.strategy.models.scoring import Pinned

DAYS_PER_WORKING_WEEK = 5
"""Adviser capacity is given per week and spent evenly over its working days."""
COMPETED = (*DECIDED, "held", "held_by", "held_value")
"""Columns of a candidate that is through with the competition."""
FORESEEN = ("customer_id", "strategy", "offer", "channel", "effect", "response", "model")
"""Columns of what is foreseen for single candidates."""


@dataclass(frozen=True)
class PlanInputs:
    """What the plan of a day reads; every entry is a list of Parquet folders, empty if the bank has no such table."""

    profile: Files
    customer: Files
    identity_map: Files
    consent: Files
    contact: Files
    staff: Files
    past_decisions: Files
    """Decisions of earlier business dates within the longest cap window."""
    learnt: Files = ()
    """What the last review has learnt."""
    worth: Files = ()
    """What is foreseen for single candidates: `FORESEEN`; money before cost of a touch today."""
    models: Files = ()
    """The lake table `model` to which the plan is pinned; `worth` is believed before it."""
    prices: Files = ()
    """The lake table `price` of the run before."""
    ladders: Files = ()
    """The lake table `price_ladder` of the run before: learnt prices of templates."""
    household: Files = ()
    """The lake table `household`: who lives with other customers."""
    days: int = 1
    """Days since the run before, at least 1: the part of a month's budget that today may use."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id that lives on, under which earlier decisions count."""


@dataclass(frozen=True)
class Planned:
    """A plan on disk."""

    decisions: Written
    """The lake table `decisions`."""
    prices: Written
    """The lake table `price`."""
    summary: Mapping[str, Any]
    """Worth, bound and gap of the plan, and minimums that it does not reach, as JSON-like data."""


def plan(
    engine: Engine, inputs: PlanInputs, workspace: Workspace, on: date, folder: Path, *, prices: Path | None = None
) -> Planned:
    """Decides for every candidate of every active strategy and writes the lake tables `decisions` and `price`.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its strategies, offers, contact policy and arbitration.
        on: Business date.
        folder: New folder for the decisions; a folder beside it, with `-desk` added, holds what is laid out meanwhile.
        prices: New folder for the prices; None: beside the decisions, with `-price` added.

    Returns:
        What was written; decisions have columns `DECIDED` and business_date, sorted by customer and strategy.
    """
    prices = prices or folder.with_name(folder.name + "-price")
    work = folder.with_name(folder.name + "-desk")
    shutil.rmtree(work, ignore_errors=True)
    strategies = [strategy for strategy in workspace.strategies.values() if strategy.active]
    try:
        desk = _desk(engine, inputs, workspace, strategies, on)
        engine.write(desk, work / "desk")
        desk = engine.scan([work / "desk"])
        if not strategies:
            return Planned(_write(engine, _no_decisions(desk), on, folder), _write_prices([], prices), {})
        book, learnt = Book(workspace, strategies), read_learnt(engine, inputs.learnt)
        ranking = Ranking(workspace, learnt, on, rows_in(inputs.profile))
        pinned = _pinned(inputs, workspace)
        scored = _scored(inputs.worth, pinned, strategies, by_touch=workspace.review.ramp is not None)
        _lay_out_candidates(engine, book, ranking, scored=scored, on=on, work=work)
        outcomes, limits = _contest(engine, inputs, book, pinned, on=on, work=work)
        decided = _decided(engine, work)
        written = _write(engine, decided, on, folder)
        told = [price for outcome in outcomes.values() for price in outcome.prices]
        return Planned(written, _write_prices(told, prices), _summary(outcomes, limits))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def reachable(engine: Engine, inputs: PlanInputs, workspace: Workspace, on: date) -> ibis.Table:
    """Whom the contact policy lets anyone reach on a day, as the plan sees it.

    Returns:
        customer_id; `permitted_<channel>` per channel; `suppression`: its name, null if none applies.
    """
    from cultiva.strategy.permission import permissions, permitted

    papers, policy = papers_of(engine, inputs, workspace), workspace.policy
    desk = papers.profile.left_join(permissions(papers.consent, policy), "customer_id").drop("customer_id_right")
    asked = {f"permitted_{one.name}": permitted(desk[f"consent_{one.name}"], policy.consent) for one in policy.channels}
    found = suppression(desk, workspace, _Rules(profile_scope(workspace), on))
    return desk.select("customer_id", **asked, suppression=found)


@dataclass(frozen=True)
class _Rules:
    """Compiles rule texts of one workspace for one day."""

    scope: Scope
    on: date

    def __call__(self, text: str, table: ibis.Table) -> ibis.Value:
        return compile_rule(text, self.scope).form(self.on).ibis(table)


def _desk(
    engine: Engine, inputs: PlanInputs, workspace: Workspace, strategies: Sequence[Strategy], on: date
) -> ibis.Table:
    desk = lay_out(papers_of(engine, inputs, workspace), workspace, on)
    desk = with_learnt(desk, read_learnt(engine, inputs.learnt), workspace.review, engine)
    ladders = read_ladders(engine, inputs.ladders)
    return assessed(desk, strategies, workspace, on=on, rule=_Rules(profile_scope(workspace), on), ladders=ladders)


def _pinned(inputs: PlanInputs, workspace: Workspace) -> Pinned | None:
    """The models in use; None where there are none, or more is known than they know."""
    if not inputs.models or inputs.worth:
        return None
    from cultiva.strategy.models.scoring import pin

    return pin(inputs.models, workspace)


def _scored(
    foreseen: Files, pinned: Pinned | None, strategies: Sequence[Strategy], *, by_touch: bool
) -> frozenset[str]:
    """Strategies of which single candidates are foreseen, or known by what a touch brings."""
    if by_touch or (pinned is not None and pinned.effect is not None):
        return frozenset(one.name for one in strategies)
    if not foreseen:
        return frozenset()
    names = pl.scan_parquet(part_files(foreseen)).select(pl.col("strategy").unique()).collect()
    return frozenset(names["strategy"].to_list())


def _lay_out_candidates(
    engine: Engine, book: Book, ranking: Ranking, *, scored: frozenset[str], on: date, work: Path
) -> None:
    """Writes openings and candidates; each is read by several, and SQL would repeat it in every place."""
    strategies = engine.load(book.strategies_table(ranking))
    shares = {one.name: found for one in book.strategies if one.name not in scored
              and (found := ranking.offer_shares(one)) is not None}  # fmt: skip
    desk = engine.scan([work / "desk"])
    engine.write(openings(desk, strategies, book, shares=shares, on=on), work / "openings")
    proposals = engine.load(book.proposals_table(ranking))
    opened = engine.scan([work / "openings"])
    found = candidates(opened, proposals, book, scored=scored)
    engine.write(found, work / "candidates")


def _contest(
    engine: Engine, inputs: PlanInputs, book: Book, pinned: Pinned | None, *, on: date, work: Path
) -> tuple[dict[str, Outcome], DayLimits]:
    """Lets every slice's candidates compete."""
    from cultiva.strategy.competition import compete  # kernels: whoever only asks need not wait for them
    from cultiva.strategy.field import field_of, living
    from cultiva.strategy.homes import Homes

    spent = _spent(inputs.prices)
    limits = DayLimits(
        limits_of(book.workspace, book.strategies, on, spent=spent, days=inputs.days),
        _contacts_per_day(engine, inputs),
    )
    told = inputs.worth or _scores(engine, inputs, pinned, on, work)
    foreseen = pl.scan_parquet(part_files(told)).select(FORESEEN) if told else None
    rows = living(pl.scan_parquet(part_files([work / "candidates"])), foreseen)
    desk = pl.scan_parquet(part_files([work / "desk"]))
    outcomes: dict[str, Outcome] = {}
    homes = Homes.of(desk, book.workspace)
    gaining = rows.filter(pl.col("fate") == Fate.CHOSEN.value)
    _keep(rows.filter(pl.col("fate") != Fate.CHOSEN.value), work)
    for (name,), part in gaining.partition_by("ranked_by", as_dict=True, maintain_order=True).items():
        arrays = field_of(part, desk, book, limits=limits, homes=homes)
        outcomes[str(name)] = compete(arrays, RankBy(name), book, on=on)
        homes = homes.after(outcomes[str(name)].rows, book)
        _keep(outcomes[str(name)].rows, work)
    return outcomes, limits


def _scores(engine: Engine, inputs: PlanInputs, pinned: Pinned | None, on: date, work: Path) -> Files:
    """What the models in use foresee of the candidates that effects rank; nothing where there are none."""
    if pinned is None or pinned.effect is None:
        return ()
    from cultiva.strategy.models.scoring import score

    every = engine.scan([work / "candidates"])
    asked = every.filter((every.fate == Fate.CHOSEN.value) & every.scored).mutate(
        prior_effect=every.effect * every.contacts, prior_se=every.effect_se * every.contacts
    )
    score(engine, asked, engine.scan(inputs.profile), pinned, on=on, folder=work / "scores")
    return [work / "scores"]


def _keep(rows: pl.DataFrame, work: Path) -> None:
    """Puts candidates that are through with the competition where `_decided` finds them."""
    folder = work / "competed"
    folder.mkdir(exist_ok=True)
    if len(rows):
        rows.select(COMPETED).write_parquet(part_path(folder, len(list(folder.iterdir()))))


def _spent(prices: Files) -> dict[str, Spent]:
    """What the periods of resources have used, as the run before left it."""
    if not prices:
        return {}
    rows = pl.scan_parquet(part_files(prices)).filter(pl.col("kind") == "resource")
    used = rows.group_by("resource", "since").agg(
        pl.col("used").sum() + pl.col("used_before").max()
    )  # what the day before had used already stands in every slice's row
    return {name: Spent(since, total) for name, since, total in used.collect().iter_rows()}


def _contacts_per_day(engine: Engine, inputs: PlanInputs) -> dict[str, int]:
    """Adviser -> contacts per day, from the staff table."""
    if not inputs.staff:
        return {}
    staff = engine.fetch(engine.scan(inputs.staff).select("staff_id", "contacts_per_week_max"))
    return {
        row["staff_id"]: -(-int(row["contacts_per_week_max"]) // DAYS_PER_WORKING_WEEK) for row in staff.to_pylist()
    }


def _decided(engine: Engine, work: Path) -> ibis.Table:
    """All candidates with their fates; who is held out gets the holdout as fate, whatever else there was."""
    import ibis

    every, competed = engine.scan([work / "candidates"]), work / "competed"
    others = every.filter(every.fate != Fate.CHOSEN.value).mutate(exposed=ibis.literal(False)).select(*COMPETED)
    if any(competed.iterdir()):
        others = others.union(engine.scan([competed]).select(*COMPETED))
    held = others.held.notnull()
    return others.mutate(
        fate=others.held.fill_null(others.fate),
        decided_by=ibis.cases(
            (others.held == Fate.HELD_OUT.value, others.held_by),
            (held, ibis.null("string")),
            else_=others.decided_by,
        ),
        decided_value=ibis.ifelse(held, others.held_value, others.decided_value) + 0.0,
    ).select(*DECIDED)


def _summary(outcomes: Mapping[str, Outcome], limits: DayLimits) -> dict[str, Any]:
    from cultiva.strategy.competition import unmet

    slices = {
        name: {"worth": one.worth, "value": one.value, "bound": one.bound,
               "chosen": int((one.rows["fate"] == Fate.CHOSEN.value).sum()),
               "levers": {each.lever: {"candidates": each.candidates, "cost": each.cost} for each in one.levers}}
        for name, one in outcomes.items()
    }  # fmt: skip
    return {"slices": slices, "unmet": unmet(outcomes, limits.resources)}


def _write_prices(prices: Sequence[Price], folder: Path) -> Written:
    import pyarrow as pa

    from cultiva.strategy.competition import Price

    texts = dict.fromkeys(("resource", "kind", "ranked_by", "counts"), pa.string())
    kinds = texts | {"since": pa.date32()}
    rows = [asdict(one) for one in prices]
    arrays = {
        one.name: pa.array([row[one.name] for row in rows], kinds.get(one.name, pa.float64())) for one in fields(Price)
    }
    return write_arrow(pa.table(arrays), folder)


def papers_of(engine: Engine, inputs: PlanInputs, workspace: Workspace) -> Papers:
    """What lies on the desk of a day: profile, consent, and touches, of the customers as they are known now."""
    ids = engine.scan(inputs.identity_map)
    profile = engine.scan(inputs.profile)
    return Papers(
        profile=profile,
        customer=engine.scan(inputs.customer),
        consent=_of_customers(engine, inputs.consent, ids, ("purpose", "channel", "granted"), profile),
        touches=_touches(engine, inputs, ids, profile, workspace),
        household=_households(engine, inputs, profile),
    )


def _households(engine: Engine, inputs: PlanInputs, profile: ibis.Table) -> ibis.Table:
    if not inputs.household:
        return _nothing(profile, ("household_id",))
    return engine.scan(inputs.household).select("customer_id", "household_id")


def _of_customers(
    engine: Engine, files: Files, ids: ibis.Table, columns: tuple[str, ...], profile: ibis.Table
) -> ibis.Table:
    """A table keyed by source ids, keyed by customer instead; no rows if the bank has no such table."""
    if not files:
        return _nothing(profile, columns)
    table = engine.scan(files)
    return table.inner_join(ids, ["source_system", "source_id"]).select("customer_id", *columns)


_TYPES = {"granted": "boolean", "touched_on": "date", "household_id": "int64"}


def _nothing(profile: ibis.Table, columns: tuple[str, ...]) -> ibis.Table:
    """No rows, with the right columns; made from a table of the same backend, as joins demand."""
    import ibis

    empty = profile.filter(ibis.literal(False))
    return empty.select("customer_id", **{name: ibis.null(_TYPES.get(name, "string")) for name in columns})


TOUCH_COLUMNS = ("touched_on", "channel", "strategy", "offer")


def _touches(
    engine: Engine, inputs: PlanInputs, ids: ibis.Table, profile: ibis.Table, workspace: Workspace
) -> ibis.Table:
    """Touches that count: the contact history, and our own proposals that the history does not show yet."""
    recorded = _recorded(engine, inputs, ids, profile)
    touching = [channel.name for channel in workspace.policy.channels if channel.touch]
    if not inputs.past_decisions:
        return recorded.filter(recorded.channel.isin(touching))
    own, key = _own(engine, inputs), ("customer_id", "strategy", "offer")
    # What came of an older proposal does not show a newer one of the same offer.
    since = _attempts(engine, inputs, ids, profile)
    answered = [own[name] == since[name] for name in key]
    later = own.semi_join(recorded, list(key)).anti_join(since, [*answered, since.touched_on >= own.touched_on])
    unseen = own.anti_join(recorded, list(key)).union(later)
    both = recorded.union(unseen.select(*recorded.columns))
    return both.filter(both.channel.isin(touching))


def _own(engine: Engine, inputs: PlanInputs) -> ibis.Table:
    """Our own earlier proposals, under the ids that live on."""
    import ibis
    import pyarrow as pa

    past = engine.scan(inputs.past_decisions)
    own = past.filter(past.fate == Fate.CHOSEN.value).select(
        "customer_id", "channel", "strategy", "offer", touched_on=past.business_date
    )
    if not inputs.mergers:
        return own
    retired, heir = (pa.array(list(ids), pa.int64()) for ids in (inputs.mergers.keys(), inputs.mergers.values()))
    heirs = engine.load(pa.table({"retired": retired, "heir": heir}))
    moved = own.left_join(heirs, own.customer_id == heirs.retired)
    return moved.mutate(customer_id=ibis.coalesce(moved.heir, moved.customer_id)).drop("retired", "heir")


def _recorded(engine: Engine, inputs: PlanInputs, ids: ibis.Table, profile: ibis.Table) -> ibis.Table:
    """The contact history without what failed."""
    tried = _attempts(engine, inputs, ids, profile)
    return tried.filter(tried.status.isnull() | (tried.status != "failed")).select("customer_id", *TOUCH_COLUMNS)


def _attempts(engine: Engine, inputs: PlanInputs, ids: ibis.Table, profile: ibis.Table) -> ibis.Table:
    """The contact history with what failed, and its status."""
    if not inputs.contact:
        return _nothing(profile, (*TOUCH_COLUMNS, "status"))
    contact = engine.scan(inputs.contact)
    keyed = contact.inner_join(ids, ["source_system", "source_id"])
    dated = keyed.select("customer_id", "channel", "strategy", "offer", "status", touched_on=keyed["at"].date())
    return dated.select("customer_id", *TOUCH_COLUMNS, "status")


def _no_decisions(desk: ibis.Table) -> ibis.Table:
    import ibis

    empty = desk.filter(ibis.literal(False))
    others = {
        name: ibis.null("boolean" if name == "exposed" else "float64" if name in NUMBERS else "string")
        for name in DECIDED
        if name != "customer_id"
    }
    return empty.select("customer_id", **others)


def _write(engine: Engine, decided: ibis.Table, on: date, folder: Path) -> Written:
    import ibis

    stamped = decided.select(*DECIDED, business_date=ibis.literal(on))
    return engine.write(stamped, folder, sort_by=("customer_id", "strategy", "offer", "channel"))


NUMBERS = ("rank_value", "effect", "cost", "worth", "decided_value", "assigned_share")
"""Columns of `decisions` that are numbers."""
DECISION_TYPES: Mapping[str, DataType] = {
    "customer_id": DataType.INTEGER,
    **{
        name: DataType.BOOLEAN if name == "exposed" else DataType.NUMBER if name in NUMBERS else DataType.TEXT
        for name in DECIDED
        if name != "customer_id"
    },
    "business_date": DataType.DATE,
}
"""Columns of the lake table `decisions`."""

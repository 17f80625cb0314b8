"""An experiment before launch: the strategy is planned once as if it ran, and nothing of it is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cultiva.definitions.review import CONTRIBUTION
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.inputs import plan_inputs
from cultiva.loop.parts import Parts
from cultiva.review.prospect import Prospect, ProspectInputs, prospect
from cultiva.strategy.service import plan

WEEKS = (2, 4, 8, 12, 26)
"""Weeks of enrolment that the table shows."""
INFLOW_DAYS = 56
"""Newcomers are counted over at most so many days."""
HOLDOUTS = (0.05, 0.1, 0.2, 0.5)
"""Holdouts that it shows, beside the strategy's own."""


def prospect_of(parts: Parts, on: date, strategy: str) -> Prospect:
    """What a strategy's experiment would show, by the newest profile and what customers brought in.

    Raises:
        CultivaError: if there is no such strategy.
    """
    with launched_plan(parts, on, strategy) as decisions:
        return prospect_in(parts, on, strategy, decisions)


@contextmanager
def launched_plan(parts: Parts, on: date, strategy: str) -> Iterator[Path]:
    """The decisions of a plan in which the strategy takes part and holds nobody out; they are gone afterwards.

    Raises:
        CultivaError: if there is no such strategy.
    """
    workspace = _launched(parts.workspace, strategy)
    with TemporaryDirectory(dir=parts.root, prefix=".prospect-") as folder:
        decisions = Path(folder) / "decisions"
        plan(parts.engine, plan_inputs(parts, on), workspace, on, decisions)
        yield decisions


def prospect_in(parts: Parts, on: date, strategy: str, decisions: Path) -> Prospect:
    """What a strategy's experiment would show, from the decisions of `launched_plan`."""
    review, lake = parts.workspace.review, parts.lake
    past = [one for one in lake.catalogue.history("performance", on) if (on - one.business_date).days]
    within = [one.business_date for one in past if (on - one.business_date).days <= review.horizon_days]
    since = min(within, default=on)
    table = "performance" if review.covariate == CONTRIBUTION else "profile"
    days = [one.business_date for one in past] + [on]
    earlier = _earlier_plan(parts, on)
    inputs = ProspectInputs(
        decisions=[decisions],
        results=[file for day in days if day > since or not within for file in _current(parts, day)],
        before=lake.files_current(table, since) if within else [],
        run_days=(on - days[-2]).days if len(days) > 1 else 1,
        exposure=lake.files_before("exposure", on),
        past=[] if earlier is None else lake.files_current("decisions", earlier),
        past_days=0 if earlier is None else (on - earlier).days,
        cap_days=max((cap.days for cap in parts.workspace.policy.caps), default=1),
    )
    return prospect(parts.engine, inputs, parts.workspace.strategies[strategy], review)


def _earlier_plan(parts: Parts, on: date) -> date | None:
    """The oldest plan within `INFLOW_DAYS`; None if there is none before this date."""
    history = parts.lake.catalogue.history("decisions", on)
    return min((one.business_date for one in history if 0 < (on - one.business_date).days <= INFLOW_DAYS), default=None)


def _current(parts: Parts, day: date) -> list[Path]:
    return parts.lake.files_current("performance", day)


def _launched(workspace: Workspace, name: str) -> Workspace:
    """The workspace with the strategy active and nobody held out by it."""
    strategy = workspace.strategies.get(name)
    if strategy is None:
        names = list(workspace.strategies)
        raise CultivaError(
            "there is no such strategy",
            code="loop.no_strategy",
            kind=ErrorKind.NOT_FOUND,
            seen=name,
            allowed=", ".join(names),
            hint=did_you_mean(name, names) or "name one of the strategies in strategies/",
        )
    launched = strategy.model_copy(update={"active": True, "holdout": 0.0})
    return replace(workspace, strategies={**workspace.strategies, name: launched})


def holdouts_of(parts: Parts, strategy: str) -> tuple[float, ...]:
    """The usual holdouts and the strategy's own, as far as there is something to compare."""
    own = parts.workspace.strategies[strategy].holdout
    return tuple(sorted({*HOLDOUTS, *([own] if 0 < own < 1 else [])}))


def sheets(parts: Parts, one: Prospect, effect: float | None) -> list[Sheet]:
    """The smallest effect that some weeks show, by holdout; and how long a given effect takes."""
    language, holdouts = parts.workspace.settings.language, holdouts_of(parts, one.strategy)
    found = [_smallest(parts, one, holdouts, language)]
    if effect is not None:
        found.append(_durations(one, holdouts, effect, language))
    return found


def _smallest(parts: Parts, one: Prospect, holdouts: Sequence[float], language: str) -> Sheet:
    columns = ("weeks", *(f"{share:.0%}" for share in holdouts))
    label = parts.workspace.strategies[one.strategy].label
    title = Words(f"上线前测算 · {label.zh}：可测出的最小净增", f"before launch · {label.en}: smallest effect seen")
    headings = {"weeks": Words("入组周数", "weeks of enrolment")}
    shares = {f"{share:.0%}": Words(f"对照 {share:.0%}", f"holdout {share:.0%}") for share in holdouts}
    return Sheet(
        say(title, language),
        columns,
        tuple((weeks, *(one.smallest(weeks, share) for share in holdouts)) for weeks in WEEKS),
        headings={name: say(words, language) for name, words in (headings | shares).items()},
        formats=dict.fromkeys(columns[1:], ",.2f"),
        note=say(_basis(parts, one, holdouts), language),
    )


def _basis(parts: Parts, one: Prospect, holdouts: Sequence[float]) -> Words:
    review, currency = parts.workspace.review, parts.workspace.settings.currency
    own, alike = parts.workspace.strategies[one.strategy].holdout, _alike(one)
    week = one.enrolled(1, own if 0 < own < 1 else holdouts[0])
    return Words(
        f"{currency}，每位客户入组后 {review.horizon_days} 天；把握 80%，区间 {review.confidence:.0%} 且可随时查看。"
        f"已入组 {one.enrolled_already:,} 人不再计入；尚可入组 {one.pool:,} 人，每天另有 {one.inflow:,.1f} 人新进人群，"
        f"首周入组 {week:,} 人；每人带来 {one.mean:,.2f}，标准差 {one.sd:,.2f}，"
        f"扣除协变量后 {one.residual_sd:,.2f}（据 {one.days} 天推算）。{alike.zh}",
        f"{currency} per customer over {review.horizon_days} days from enrolment, with 80 % power and an interval of "
        f"{review.confidence:.0%} that holds however often one looks. {one.enrolled_already:,} take part already and "
        f"are not counted; {one.pool:,} more can today, {one.inflow:,.1f} a day are new in the audience, {week:,} "
        f"would be enrolled in the first week. One brings in {one.mean:,.2f}, standard deviation {one.sd:,.2f}, after "
        f"the covariate {one.residual_sd:,.2f} (projected from {one.days} days).{alike.en}",
    )


def _alike(one: Prospect) -> Words:
    """How alike customers of one adviser or branch are, where whole ones are drawn."""
    if one.clusters is None:
        return Words("", "")
    return Words(
        f"整组抽签：约 {one.clusters:,.0f} 组，组内相关 {one.correlation:.3f}。",
        f" Whole groups are drawn: about {one.clusters:,.0f} of them, whose customers are alike by "
        f"{one.correlation:.3f} (intraclass correlation).",
    )


def _durations(one: Prospect, holdouts: Sequence[float], effect: float, language: str) -> Sheet:
    rows = []
    for share in holdouts:
        found = one.weeks_for(effect, share)
        rows.append((share, found.weeks, found.customers, say(found.reason, language)))
    headings = {
        "holdout": Words("对照占比", "holdout"),
        "weeks": Words("入组周数", "weeks of enrolment"),
        "customers": Words("客户数", "customers"),
        "note": Words("说明", "note"),
    }
    title = Words(f"测出每位客户 {effect:,.2f} 需要多久", f"how long until {effect:,.2f} per customer is seen")
    return Sheet(
        say(title, language), tuple(headings), tuple(rows),
        headings={name: say(words, language) for name, words in headings.items()}, formats={"holdout": ".0%"},
    )  # fmt: skip


def data(parts: Parts, on: date, one: Prospect, effect: float | None) -> dict[str, Any]:
    """Everything as JSON-like data."""
    holdouts = holdouts_of(parts, one.strategy)
    smallest = [
        {
            "weeks": weeks,
            "holdout": share,
            "customers": one.enrolled(weeks, share),
            "effect": one.smallest(weeks, share),
        }
        for weeks in WEEKS
        for share in holdouts
    ]
    durations = [{"holdout": share, **asdict(one.weeks_for(effect, share))} for share in holdouts] if effect else []
    told = {**asdict(one), "pool": one.pool, "residual_sd": one.residual_sd}
    return {"date": on, **told, "effect": effect, "smallest": smallest, "durations": durations}

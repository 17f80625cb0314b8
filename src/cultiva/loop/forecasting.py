"""A strategy before approval: the day is planned once as if it ran, and what that means is put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cultiva.kit.numbers import settled
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.mapping import names_of, take_up
from cultiva.loop.parts import Parts
from cultiva.loop.prospects import launched_plan, prospect_in
from cultiva.loop.shows import scan
from cultiva.review.beliefs import prior_of
from cultiva.review.prospect import Prospect
from cultiva.strategy.map import forecast as foreseen
from cultiva.strategy.map.forecast import Expectation, Forecast, Stretch, Volume

WEEKS = (1, 4, 8, 12)
"""Weeks of enrolment that are shown."""


def forecast_of(parts: Parts, on: date, strategy: str) -> Forecast:
    """What a strategy, draft or not, would do if it were approved as it stands.

    Raises:
        CultivaError: if there is no such strategy.
    """
    with launched_plan(parts, on, strategy) as decisions:
        one, engine = parts.workspace.strategies[strategy], parts.engine
        parted = foreseen.volumes(engine, [decisions], strategy, parts.workspace)
        funnel = foreseen.funnel(engine, [decisions], strategy)
        seen = prospect_in(parts, on, strategy, decisions)
        expectation = expectation_of(parts, on, strategy, parted)
        stretches = [_stretch(parted, expectation, seen, weeks, one.holdout) for weeks in (*WEEKS,)]
        month = foreseen.MONTH_DAYS / foreseen.WEEK_DAYS
        return Forecast(
            strategy=strategy,
            on=on,
            active=one.active,
            audience=sum(funnel.values()),
            funnel=tuple(funnel.items()),
            volumes=parted,
            holdout=one.holdout,
            expectation=expectation,
            stretches=tuple(stretches),
            monthly=_stretch(parted, expectation, seen, month, one.holdout).cost,
            budget=one.budget,
            weeks_until_seen=_weeks(seen, expectation, one.holdout),
            enrolled_already=seen.enrolled_already,
            displaced=_displaced(parts, on, strategy, decisions),
        )


def _stretch(
    parted: Sequence[Volume], expectation: Expectation, seen: Prospect, weeks: float, holdout: float
) -> Stretch:
    number = int(weeks) if weeks == int(weeks) else 0
    enrolled = seen.enrolled(weeks, holdout)  # type: ignore[arg-type]  # a month is not a whole number of weeks
    smallest = seen.smallest(number, holdout) if number and 0 < holdout < 1 else None
    return foreseen.stretch(
        parted, expectation, weeks=number, enrolled=enrolled, holdout=holdout, smallest=settled(smallest)
    )


def _weeks(seen: Prospect, expectation: Expectation, holdout: float) -> int | None:
    """Weeks until the expected effect is seen; None without an effect, a holdout or enough customers."""
    if not expectation.effect or not 0 < holdout < 1:
        return None
    return seen.weeks_for(abs(expectation.effect), holdout).weeks


def expectation_of(parts: Parts, on: date, strategy: str, parted: Sequence[Volume]) -> Expectation:
    """What one customer is expected to bring: as learnt of the strategy, else its offers' prior, very unsure.

    Args:
        parts: Of the workspace.
        on: Business date.
        strategy: Its name.
        parted: Whom a run touches with what.
    """
    workspace, shares = parts.workspace, take_up(parts, on)
    learnt = _learnt(parts, on, strategy)
    own = shares.get(strategy)
    share, source = (own, "learnt") if own is not None else _peers(parts, strategy, shares)
    if learnt is not None:
        return Expectation(*learnt, "learnt", share, source)
    one = workspace.strategies[strategy]
    number = sum(part.customers for part in parted)
    cost = sum((part.channel_cost + part.offer_cost) * part.customers for part in parted) / number if number else 0.0
    mean = foreseen.prior_effect(parted, one, workspace)
    return Expectation(mean, prior_of(one.offers, workspace, cost).se, "prior", share, source)


def _learnt(parts: Parts, on: date, strategy: str) -> tuple[float, float] | None:
    """Effect and its standard error as the newest review has learnt them."""
    files = parts.lake.files_latest("learnt", on)
    if not files:
        return None
    whole = (pl.col("offer") == "") & (pl.col("cell") == "") & (pl.col("strategy") == strategy)
    rows = scan(files).filter(whole).select("effect", "effect_se").collect().rows()
    return (rows[0][0], rows[0][1] or 0.0) if rows and rows[0][0] is not None else None


def _peers(parts: Parts, strategy: str, shares: dict[str, float]) -> tuple[float | None, str]:
    """Mean take-up of strategies that propose some of the same offers."""
    offers = set(parts.workspace.strategies[strategy].offers)
    found = [
        shares[name] for name, one in parts.workspace.strategies.items() if name in shares and offers & set(one.offers)
    ]
    return (sum(found) / len(found), "peers") if found else (None, "")


def _displaced(parts: Parts, on: date, strategy: str, decisions: Path) -> tuple[tuple[str, int, int], ...] | None:
    """Proposals of other strategies with it and without it, where the day was planned without it."""
    published = parts.lake.files_current("decisions", on)
    if not published or parts.workspace.strategies[strategy].active:
        return None
    before = foreseen.chosen_by_strategy(parts.engine, published)
    if strategy in before:
        return None
    return foreseen.displaced(before, foreseen.chosen_by_strategy(parts.engine, [decisions]), strategy)


TEXTS: dict[str, Words] = {
    "fate": Words("环节", "filter"),
    "customers": Words("客户", "customers"),
    "share": Words("占名单", "of the audience"),
    "offer": Words("权益", "offer"),
    "channel": Words("渠道", "channel"),
    "channel_cost": Words("每次渠道成本", "a touch costs"),
    "offer_cost": Words("权益成本", "the offer costs"),
    "weeks": Words("周数", "weeks"),
    "enrolled": Words("入组", "enrolled"),
    "touched": Words("触达", "touched"),
    "contact_cost": Words("渠道成本", "channels"),
    "offers_taken": Words("权益成本", "offers"),
    "most": Words("权益成本上限", "offers at most"),
    "effect": Words("预期增量", "expected"),
    "low": Words("下限", "from"),
    "high": Words("上限", "to"),
    "net": Words("净增量", "net"),
    "smallest": Words("可测出的最小增量/人", "smallest effect seen"),
    "strategy": Words("策略", "strategy"),
    "before": Words("现在", "without it"),
    "after": Words("上线后", "with it"),
}


def sheets(parts: Parts, found: Forecast) -> list[Sheet]:
    """The forecast as tables: funnel, first run, weeks, and what others lose."""
    language, names = parts.workspace.settings.language, names_of(parts)
    label = parts.workspace.strategies[found.strategy].label
    title = say(Words(f"上线前测算 · {label.zh} · {found.on}", f"before approval · {label.en} · {found.on}"), language)
    steps = tuple((names.get(fate, fate), n, n / found.audience) for fate, n in found.funnel if n)
    first = tuple(
        (names.get(one.offer, one.offer), names.get(one.channel, one.channel), one.customers, one.channel_cost,
         one.offer_cost)
        for one in found.volumes
    )  # fmt: skip
    over = tuple(
        (one.weeks, one.enrolled, one.touched, one.contact_cost, one.offer_cost, one.offer_cost_most, one.effect,
         one.effect_low, one.effect_high, one.net, one.smallest)
        for one in found.stretches
    )  # fmt: skip
    columns = (
        "weeks", "enrolled", "touched", "contact_cost", "offers_taken", "most", "effect", "low", "high", "net",
        "smallest",
    )  # fmt: skip
    money = dict.fromkeys(("contact_cost", "offers_taken", "most", "effect", "low", "high", "net"), ",.0f")
    told = [
        _sheet(title, ("fate", "customers", "share"), steps, language, {"share": ".1%"}),
        _sheet(
            say(Words("首次运行", "the first run"), language),
            ("offer", "channel", "customers", "channel_cost", "offer_cost"), first, language,
        ),
        _sheet(
            say(Words("量、成本、效果", "volumes, cost, effect"), language), columns, over, language, money,
            say(_basis(parts, found), language),
        ),
    ]  # fmt: skip
    if found.displaced:
        title = say(Words("对其他策略的影响", "what it takes from others"), language)
        told.append(_sheet(title, ("strategy", "before", "after"), found.displaced, language))
    return told


def _sheet(
    title: str, columns: tuple[str, ...], rows: tuple[tuple[Any, ...], ...], language: str,
    formats: dict[str, str] | None = None, note: str = "",
) -> Sheet:  # fmt: skip
    headings = {name: say(TEXTS[name], language) for name in columns}
    return Sheet(title, columns, rows, headings=headings, formats=formats or {}, note=note)


def _basis(parts: Parts, found: Forecast) -> Words:
    """What the numbers rest on, the budget, and how long until something is seen."""
    review, currency = parts.workspace.review, parts.workspace.settings.currency
    hope, days = found.expectation, review.horizon_days
    source = {"learnt": Words("已学到", "learnt"), "prior": Words("先验", "the prior of its offers")}[hope.source]
    share = Words("未知，按全部领用计", "not known, counted as if all took it up")
    if hope.take_up is not None:
        share = Words(f"{hope.take_up:.1%}", f"{hope.take_up:.1%}")
    budget = Words("", "")
    if found.budget is not None:
        budget = Words(f"，月预算 {found.budget:,.0f}", f" of a budget of {found.budget:,.0f}")
    seen = Words("以现有客户测不出该效果", "with these customers that effect is never seen for sure")
    if found.weeks_until_seen is not None:
        weeks = found.weeks_until_seen
        seen = Words(f"约 {weeks} 周入组后可测出该效果", f"that effect is seen after about {weeks} weeks of enrolment")
    half = foreseen.USUAL * hope.se
    return Words(
        f"{currency}，首次触达，重复触达按频控另计；已入组的 {found.enrolled_already:,} 人不再计入。"
        f"每人 {days} 天内预期 {hope.effect:+,.2f}（±{half:,.2f}，{source.zh}），领用率 {share.zh}；"
        f"首月成本 {found.monthly:,.0f}{budget.zh}；对照 {found.holdout:.0%}；{seen.zh}。",
        f"{currency}, first touches; repeats come on top as the caps allow, and {found.enrolled_already:,} who take "
        f"part already are not counted. A customer is expected to bring {hope.effect:+,.2f} in {days} days "
        f"(±{half:,.2f}, {source.en}); take-up {share.en}. The first month costs {found.monthly:,.0f}{budget.en}. "
        f"Holdout {found.holdout:.0%}: {seen.en}.",
    )


def data(parts: Parts, found: Forecast) -> dict[str, Any]:
    """The forecast as JSON-like data."""
    told = asdict(found)
    told["funnel"] = [{"fate": fate, "customers": count} for fate, count in found.funnel]
    told["stretches"] = [{**asdict(one), "cost": one.cost, "net": one.net} for one in found.stretches]
    if found.displaced is not None:
        told["displaced"] = [{"strategy": name, "before": one, "after": two} for name, one, two in found.displaced]
    return {"currency": parts.workspace.settings.currency, "horizon_days": parts.workspace.review.horizon_days, **told}

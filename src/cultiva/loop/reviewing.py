"""What a review found, for people: a table of strategies, and everything about one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from cultiva.contracts.readout import Contrast, Readout, StrategyReview
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.review.design import PROGRAMME
from cultiva.review.tables import Curve, curves, read_reviews
from cultiva.review.wording import CONTRASTS, DIMENSIONS, VERDICTS, metric_words

HEADINGS: dict[str, Words] = {
    "strategy": Words("策略", "strategy"),
    "label": Words("名称", "label"),
    "customers": Words("可触达", "open to it"),
    "control": Words("对照", "left alone"),
    "effect": Words("每位客户贡献增量", "effect per customer"),
    "low": Words("下限", "from"),
    "high": Words("上限", "to"),
    "incremental": Words("增量合计", "incremental"),
    "cost": Words("成本", "cost"),
    "net": Words("净增量", "net"),
    "return": Words("投入产出", "return"),
    "verdict": Words("建议", "verdict"),
    "reason": Words("理由", "reason"),
    "metric": Words("指标", "metric"),
    "contrast": Words("口径", "whose"),
    "dimension": Words("维度", "by"),
    "group": Words("取值", "group"),
    "mean_treated": Words("可触达均值", "mean, open to it"),
    "mean_control": Words("对照均值", "mean, left alone"),
    "total": Words("合计", "total"),
    "p_value": Words("p 值", "p"),
    "note": Words("说明", "note"),
}
"""Columns as people read them."""
MONEY_FORMATS = dict.fromkeys(("effect", "low", "high"), "+,.2f") | dict.fromkeys(
    ("incremental", "cost", "net", "total"), ",.0f"
)


def reviews_of(parts: Parts, on: date, strategy: str | None = None) -> tuple[StrategyReview, ...]:
    """The reviews of a business date, of all strategies or of one.

    Raises:
        CultivaError: if that date has no review, or there is no such strategy in it.
    """
    files = parts.lake.files_current("verdict", on)
    if not files:
        raise CultivaError(
            "there is no review of that day",
            code="loop.no_review",
            kind=ErrorKind.NOT_FOUND,
            seen=str(on),
            allowed="the business date of a run that reviewed",
            hint=f"cultiva run {parts.root} --date {on}",
        )
    readout, flag = parts.lake.files_current("readout", on), parts.lake.files_current("flag", on)
    found = read_reviews(readout, files, flag)
    if strategy is None:
        return found
    chosen = tuple(one for one in found if one.strategy == strategy)
    if not chosen:
        names = [one.strategy for one in found]
        raise CultivaError(
            "the review knows no such strategy",
            code="loop.no_strategy",
            kind=ErrorKind.NOT_FOUND,
            seen=strategy,
            allowed=", ".join(names),
            hint=did_you_mean(strategy, names) or "cultiva review WORKSPACE shows all",
        )
    return chosen


def histories_of(parts: Parts, on: date, metric: str = "contribution") -> Mapping[str, Curve]:
    """Each strategy's effect at every business date so far: the cumulative curve."""
    snapshots = parts.lake.catalogue.history("readout", on)
    files = {one.business_date: [parts.lake.folder(one)] for one in snapshots}
    return curves(files, metric)


def summary(parts: Parts, on: date, reviews: Sequence[StrategyReview]) -> Sheet:
    """One row per strategy: what it brings, what it costs, and what to do."""
    language = parts.workspace.settings.language
    columns = (
        "strategy", "label", "customers", "control", "effect", "low", "high", "incremental", "cost", "net", "return",
        "verdict", "reason",
    )  # fmt: skip
    return Sheet(
        title=_title(on, language),
        columns=columns,
        rows=tuple(_row(one, language) for one in reviews),
        headings=_headings(columns, language),
        formats={**MONEY_FORMATS, "return": ",.2f"},
        note=_note(parts, language),
    )


def _title(on: date, language: str) -> str:
    return say(Words(f"效果回检 · {on}", f"review · {on}"), language)


def _headings(columns: Sequence[str], language: str) -> dict[str, str]:
    return {name: say(HEADINGS[name], language) for name in columns}


def _note(parts: Parts, language: str) -> str:
    days, currency = parts.workspace.review.horizon_days, parts.workspace.settings.currency
    share = parts.workspace.review.confidence
    return say(
        Words(
            f"单位 {currency}，入组后至多 {days} 天，成本另列；区间（{share:.0%}）可随时查看而不失效。",
            f"{currency}, up to {days} days after enrolment, before cost; the interval ({share:.0%}) holds however "
            "often one looks.",
        ),
        language,
    )


def _row(one: StrategyReview, language: str) -> tuple[Any, ...]:
    main = one.main()
    said = one.recommendation
    counts = (main.customers_treated, main.customers_control) if main else (0, 0)
    effect = (main.effect, _finite(main.always_low), _finite(main.always_high)) if main else (None, None, None)
    money = (one.incremental, one.cost, one.net, one.return_on_cost)
    words = (say(VERDICTS[said.verdict], language), say(said.reason, language))
    return (one.strategy, say(one.label, language), *counts, *effect, *money, *words)


def _finite(end: float | None) -> float | None:
    """An end of an interval; nothing where the data set no limit."""
    return end if end is not None and math.isfinite(end) else None


def details(parts: Parts, on: date, one: StrategyReview) -> list[Sheet]:
    """Everything about one strategy: every metric of the whole, the money by group, and what checks found."""
    language = parts.workspace.settings.language
    whole = [row for row in one.readouts if row.dimension == "all"]
    groups = [row for row in one.readouts if row.dimension != "all" and row.contrast is Contrast.ITT]
    title = f"{_title(on, language)} · {say(one.label, language)}"
    sheets = [_metrics(parts, whole, title, language)]
    if groups:
        sheets.append(_groups(groups, title, language))
    if one.flags:
        rows = tuple((flag.name, flag.standing, say(flag.sentence, language)) for flag in one.flags)
        sheets.append(Sheet(say(Words("校验", "checks"), language), ("check", "standing", "sentence"), rows))
    return sheets


def _metrics(parts: Parts, rows: Sequence[Readout], title: str, language: str) -> Sheet:
    columns = (
        "metric", "contrast", "customers", "control", "mean_treated", "mean_control", "effect", "low", "high", "total",
        "p_value", "note",
    )  # fmt: skip
    labels = {one.name: Words(one.label.zh, one.label.en) for one in parts.workspace.review.metrics}
    cells = tuple(
        (
            say(metric_words(one.metric, labels), language), say(CONTRASTS[one.contrast], language),
            one.customers_treated, one.customers_control, one.mean_treated, one.mean_control, one.effect,
            _finite(one.always_low), _finite(one.always_high), one.total, one.p_value, say(one.reason, language),
        )
        for one in rows
    )  # fmt: skip
    formats = {**dict.fromkeys(("effect", "low", "high"), "+,.4f"), "total": ",.0f", "p_value": ".3f"}
    means = dict.fromkeys(("mean_treated", "mean_control"), ",.4f")
    return Sheet(title, columns, cells, headings=_headings(columns, language), formats=formats | means)


def _groups(rows: Sequence[Readout], title: str, language: str) -> Sheet:
    columns = ("dimension", "group", "customers", "control", "effect", "low", "high", "p_value", "note")
    cells = tuple(
        (
            say(DIMENSIONS.get(one.dimension, Words(one.dimension, one.dimension)), language), one.group,
            one.customers_treated, one.customers_control, one.shrunk, _finite(one.low), _finite(one.high), one.p_value,
            say(one.reason, language),
        )
        for one in rows
    )  # fmt: skip
    formats = {**MONEY_FORMATS, "p_value": ".3f"}
    return Sheet(title, columns, cells, headings=_headings(columns, language), formats=formats)


def data(
    parts: Parts, on: date, reviews: Sequence[StrategyReview], histories: Mapping[str, Curve] | None = None
) -> dict[str, Any]:
    """Everything as JSON-like data, with the effect at every date so far; histories are read if they are not given."""
    past = histories_of(parts, on) if histories is None else histories
    return {
        "workspace": parts.workspace.settings.name,
        "date": on,
        "currency": parts.workspace.settings.currency,
        "horizon_days": parts.workspace.review.horizon_days,
        "strategies": [
            {
                **asdict(one),
                "return": one.return_on_cost,
                "history": [{"date": day, **asdict(row)} for day, row in past.get(one.strategy, ())],
            }
            for one in reviews
        ],
    }


def programme(reviews: Sequence[StrategyReview]) -> StrategyReview | None:
    """The whole programme among the reviews."""
    return next((one for one in reviews if one.strategy == PROGRAMME), None)

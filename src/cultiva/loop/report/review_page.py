"""The page of a review: what to do, effects, the whole over time, and where the money went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup

from cultiva.contracts.readout import Contrast, Readout, StrategyReview
from cultiva.kit.display import to_json
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.report import review_pictures as pictures
from cultiva.loop.report.rendering import render
from cultiva.loop.report.review_pictures import Span
from cultiva.loop.reviewing import data, histories_of, programme, reviews_of, summary
from cultiva.review.tables import Curve
from cultiva.review.wording import metric_words

TEXTS: dict[str, Words] = {
    "title": Words("效果回检", "Review"),
    "forest": Words("每位客户的贡献增量", "Effect per customer"),
    "forest_note": Words(
        "粗线：只看一次时的区间；细线：随时查看仍成立的区间；圆点：估计值。",
        "thick: interval for one look; thin: interval that holds however often one looks; dot: estimate.",
    ),
    "curve": Words("全部策略合计：每位客户增量的演变", "The whole programme over time"),
    "curve_note": Words("带：随时查看仍成立的区间。", "band: interval that holds however often one looks."),
    "bridge": Words("从总贡献到净增量", "From gross to net"),
    "bridge_note": Words(
        "可触达客户带来的全部贡献中，多少是策略带来的（与全局对照组相比）；斜线：柱高按比例截短。",
        "of all that customers open to the strategies brought in, how much came because of them, against the global "
        "holdout; slanted lines: the bar is cut short.",
    ),
    "gross": Words("可触达客户的总贡献", "gross"),
    "anyway": Words("本来就会有的", "would have come anyway"),
    "incremental": Words("增量", "incremental"),
    "cost": Words("成本", "cost"),
    "net": Words("净增量", "net"),
    "metrics": Words("各项指标：全部策略合计", "Every metric, the whole programme"),
    "flags": Words("校验", "Checks"),
    "none": Words("尚无结果", "no results yet"),
    "check": Words("校验", "check"),
    "strategy": Words("策略", "strategy"),
    "sentence": Words("说明", "what it means"),
    "metric": Words("指标", "metric"),
    "treated": Words("可触达均值", "mean, open to it"),
    "control": Words("对照均值", "mean, left alone"),
    "effect": Words("差异", "change"),
    "interval": Words("区间", "interval"),
}
"""What the page says."""


def write_review_page(parts: Parts, on: date, folder: Path) -> tuple[Path, ...]:
    """Writes `review.html`, `review.json` and the pictures of a business date's review.

    Args:
        parts: Of the workspace.
        on: Business date; its review has been published.
        folder: `reports/<date>`.

    Returns:
        The file to open.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reviews, language = reviews_of(parts, on), parts.workspace.settings.language
    texts = texts_in(language)
    histories = histories_of(parts, on)
    drawn = _drawn(reviews, histories, texts, language)
    for name, picture in drawn.items():
        (folder / f"review-{name}.svg").write_text(picture, encoding="utf-8")
    sheet = summary(parts, on, reviews)
    html = render(
        "review.html.j2", t=texts, language=language, on=on, workspace=parts.workspace.settings.name, sheet=sheet,
        cells=sheet.cells(), numeric=sheet.numeric(), metrics=_metrics(parts, reviews, language),
        flags=[(say(one.label, language), say(flag.sentence, language)) for one in reviews for flag in one.flags],
        pictures={name: Markup(picture) for name, picture in drawn.items()},  # noqa: S704 our own SVG
    )  # fmt: skip
    (folder / "review.html").write_text(html, encoding="utf-8")
    (folder / "review.json").write_text(to_json(data(parts, on, reviews, histories)), encoding="utf-8")
    return (folder / "review.html",)


def texts_in(language: str) -> dict[str, str]:
    """What the page says, in a language."""
    return {name: say(text, language) for name, text in TEXTS.items()}


def _drawn(
    reviews: Sequence[StrategyReview], histories: Mapping[str, Curve], texts: dict[str, str], language: str
) -> dict[str, str]:
    whole = programme(reviews)
    return {
        "forest": drawn_forest([(say(one.label, language), one.main()) for one in reviews], texts),
        "curve": drawn_curve(histories.get(whole.strategy, []) if whole else [], texts),
        "bridge": drawn_bridge(whole, texts),
    }


def drawn_forest(rows: Sequence[tuple[str, Readout | None]], texts: Mapping[str, str]) -> str:
    """Effects with their intervals, one line each; those of which nothing is known are left out."""
    spans = [span_of(label, row) for label, row in rows]
    return pictures.forest([one for one in spans if one is not None], texts["none"])


def drawn_curve(history: Curve, texts: Mapping[str, str]) -> str:
    """One effect at every business date so far."""
    past = [(day, found) for day, row in history if (found := span_of("", row)) is not None]
    return pictures.curve([day for day, _ in past], [one for _, one in past], texts["none"])


def drawn_bridge(one: StrategyReview | None, texts: Mapping[str, str]) -> str:
    """From gross to net."""
    return pictures.bridge(money_steps(one, texts), texts["none"])


def span_of(label: str, row: Readout | None) -> Span | None:
    """A readout as a line of a picture; None where nothing is known."""
    if row is None or row.effect is None or row.low is None or row.high is None:
        return None
    low = -math.inf if row.always_low is None else row.always_low
    high = math.inf if row.always_high is None else row.always_high
    return Span(label, row.effect, row.low, row.high, low, high)


def money_steps(whole: StrategyReview | None, texts: Mapping[str, str]) -> list[tuple[str, float, bool]]:
    """Gross, what would have come anyway, incremental, cost, net; nothing before there are results."""
    if whole is None or whole.incremental is None or whole.gross is None:
        return []
    gross, incremental, cost = whole.gross, whole.incremental, whole.cost
    return [
        (texts["gross"], gross, True),
        (texts["anyway"], incremental - gross, False),
        (texts["incremental"], incremental, True),
        (texts["cost"], 0.0 - cost, False),
        (texts["net"], incremental - cost, True),
    ]


def _metrics(parts: Parts, reviews: Sequence[StrategyReview], language: str) -> list[dict[str, Any]]:
    whole = programme(reviews)
    if whole is None:
        return []
    labels = {one.name: Words(one.label.zh, one.label.en) for one in parts.workspace.review.metrics}
    rows = [one for one in whole.readouts if one.dimension == "all" and one.contrast is Contrast.ITT]
    return [
        {
            "label": say(metric_words(one.metric, labels), language),
            "treated": _number(one.mean_treated, one.unit),
            "control": _number(one.mean_control, one.unit),
            "effect": _number(one.effect, one.unit, signed=True),
            "interval": _interval(one, language),
        }
        for one in rows
        if one.metric != "sold" or one.effect is not None
    ]


def _interval(one: Readout, language: str) -> str:
    if one.always_low is None or one.always_high is None or not math.isfinite(one.always_high - one.always_low):
        return say(one.reason, language)
    return f"{_number(one.always_low, one.unit, signed=True)} … {_number(one.always_high, one.unit, signed=True)}"


def _number(value: float | None, unit: str, *, signed: bool = False) -> str:
    if value is None:
        return ""
    sign = "+" if signed else ""
    return format(value, f"{sign}.2%") if unit == "share" else format(value, f"{sign},.2f")

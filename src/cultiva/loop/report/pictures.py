"""Pictures of a run: SVG text, so that they print sharp and the reader's own fonts show Chinese."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cultiva.loop.report.facts import ReportFacts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, QUIET, ACCENT, SOFT = "#1f2937", "#6b7280", "#0f766e", "#99d5cf"
FONTS = ["Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei", "DejaVu Sans", "sans-serif"]
ROWS_MAX = 30
"""Bars in one picture; more are hard to read."""


def grid_heat_map(facts: ReportFacts) -> str:
    """Customers by stage and value tier; darker is more, on a root scale so that small cells show."""
    counts = {(cell.stage, cell.tier): cell.customers for cell in facts.cells}
    values = [[counts.get((stage, tier), 0) for tier in facts.tiers] for stage in facts.stages]
    figure, axes = _canvas(width=2.2 + 1.15 * len(facts.tiers), height=1.0 + 0.42 * len(facts.stages))
    axes.imshow([[value**0.5 for value in row] for row in values], cmap="GnBu", aspect="auto")
    axes.set_xticks(range(len(facts.tiers)), [facts.labels.get(tier, tier) for tier in facts.tiers])
    axes.set_yticks(range(len(facts.stages)), [facts.labels.get(stage, stage) for stage in facts.stages])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    darkest = max((value**0.5 for row in values for value in row), default=1) or 1
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            color = "white" if value**0.5 > 0.6 * darkest else INK
            axes.text(x, y, f"{value:,}" if value else "·", ha="center", va="center", color=color, fontsize=9)
    return _svg(figure)


def segment_sizes(facts: ReportFacts) -> str:
    """Segments by size."""
    largest = sorted(facts.segments, key=lambda one: (-one.customers, one.name))[:ROWS_MAX]
    rows = [(one.label, float(one.customers), f"{one.customers:,}  {one.share:.1%}") for one in largest]
    return _bars(rows)


def value_pyramid(facts: ReportFacts) -> str:
    """Tiers from highest to lowest: share of customers to the left, share of contribution to the right."""
    figure, axes = _canvas(width=7, height=1.0 + 0.5 * len(facts.tiers))
    people = {tier: sum(cell.customers for cell in facts.cells if cell.tier == tier) for tier in facts.tiers}
    money = {tier: sum(cell.current_value for cell in facts.cells if cell.tier == tier) for tier in facts.tiers}
    all_people, all_money = sum(people.values()) or 1, sum(abs(value) for value in money.values()) or 1.0
    for y, tier in enumerate(facts.tiers):
        left, right = people[tier] / all_people, money[tier] / all_money
        axes.barh(y, -left, color=SOFT)
        axes.barh(y, right, color=ACCENT)
        axes.text(-left - 0.02, y, f"{people[tier]:,}", ha="right", va="center", fontsize=9, color=INK)
        axes.text(max(right, 0) + 0.02, y, f"{money[tier]:,.0f} {facts.currency}", va="center", fontsize=9, color=INK)
    axes.set_yticks(range(len(facts.tiers)), [facts.labels.get(tier, tier) for tier in facts.tiers])
    axes.set_xlim(-1.3, 1.5)
    axes.axvline(0, color=INK, linewidth=0.8)
    _bare(axes)
    return _svg(figure)


def tag_coverage(facts: ReportFacts) -> str:
    """Tags by coverage, thinnest first."""
    thinnest = sorted(facts.coverage, key=lambda one: (one.coverage, one.tag))[:ROWS_MAX]
    return _bars([(one.label, one.coverage, f"{one.coverage:.0%}") for one in thinnest], limit=1.0)


def _bars(rows: Sequence[tuple[str, float, str]], *, limit: float | None = None) -> str:
    figure, axes = _canvas(width=7, height=0.6 + 0.26 * max(len(rows), 1))
    widest = limit or max((value for _, value, _ in rows), default=1.0) or 1.0
    for y, (_, value, text) in enumerate(rows):
        axes.barh(y, value, color=ACCENT, height=0.7)
        axes.text(value + widest * 0.01, y, text, va="center", fontsize=8, color=QUIET)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows], fontsize=9)
    axes.set_xlim(0, widest * 1.25)
    axes.invert_yaxis()
    _bare(axes)
    return _svg(figure)


def _canvas(*, width: float, height: float) -> tuple[Figure, Axes]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams.update({"svg.fonttype": "none", "font.family": FONTS, "text.color": INK, "svg.hashsalt": "cultiva"})
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.tick_params(length=0)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "cultiva"}, transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]

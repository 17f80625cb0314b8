"""Lays the facts of a run out as Markdown and as one HTML file with its pictures inside."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from markupsafe import Markup

from cultiva.loop.report import pictures
from cultiva.loop.report.facts import ReportFacts
from cultiva.loop.report.rendering import render


def write_report(facts: ReportFacts, folder: Path, *, language: str) -> tuple[Path, ...]:
    """Writes `run.md`, `run.html`, `run.json` and the pictures into a folder.

    Args:
        facts: What to say.
        folder: `reports/<date>`; made if absent, its files of these names replaced.
        language: `zh` or `en`.

    Returns:
        The files to open first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {
        "grid": pictures.grid_heat_map(facts),
        "segments": pictures.segment_sizes(facts),
        "pyramid": pictures.value_pyramid(facts),
        "coverage": pictures.tag_coverage(facts),
    }
    for name, svg in drawn.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    data = json.dumps(dataclasses.asdict(facts), ensure_ascii=False, indent=1, default=str)
    (folder / "run.json").write_text(data, encoding="utf-8")
    texts = _WORDS[language]
    html = render(
        "run.html.j2",
        f=facts,
        t=texts,
        language=language,
        pictures={k: Markup(v) for k, v in drawn.items()},  # noqa: S704 our own SVG
    )
    (folder / "run.html").write_text(html, encoding="utf-8")
    (folder / "run.md").write_text(render("run.md.j2", f=facts, t=texts), encoding="utf-8")
    return folder / "run.html", folder / "run.md"


_PAIRS = {
    "title": ("经营闭环运行报告", "Run report"),
    "run": ("运行", "run"),
    "definitions": ("定义版本", "definitions"),
    "customers": ("客户", "customers"),
    "value": ("近12个月贡献", "contribution, last 12 months"),
    "chosen": ("今日名单条数", "proposals on today's lists"),
    "quarantined": ("隔离行", "in quarantine"),
    "grid": ("生命周期 × 价值分层", "Lifecycle stage × value tier"),
    "pyramid": ("价值金字塔", "Value pyramid"),
    "pyramid_note": ("左：客户数；右：贡献", "left: customers; right: contribution"),
    "segments": ("客群", "Segments"),
    "coverage": ("标签覆盖率（最低的在前）", "Tag coverage, thinnest first"),
    "strategies": ("策略：候选去向", "Strategies: what became of the candidates"),
    "review": ("效果回检", "Review"),
    "review_page": ("完整回检", "the whole review"),
    "verdict": ("建议", "verdict"),
    "reason": ("理由", "reason"),
    "per_customer": ("每位客户增量", "effect per customer"),
    "net": ("净增量", "net"),
    "tables": ("数据接入", "Deliveries"),
    "faults": ("隔离原因", "Why rows were set aside"),
    "steps": ("步骤", "Steps"),
    "moves": ("阶段迁移（与上次运行相比）", "Moves between stages since the last run"),
    "identity": ("客户拉通", "Identity"),
    "none": ("无", "none"),
    "step": ("步骤", "step"),
    "seconds": ("秒", "seconds"),
    "rows": ("行数", "rows"),
    "table": ("表", "table"),
    "rule": ("规则", "rule"),
    "segment": ("客群", "segment"),
    "share": ("占比", "share"),
    "entered": ("进入", "entered"),
    "left": ("离开", "left"),
    "words": ("特征", "what sets it apart"),
    "strategy": ("策略", "strategy"),
    "candidates": ("候选", "candidates"),
    "read": ("读入", "read"),
    "kept": ("保留", "kept"),
    "duplicate": ("重复", "duplicate"),
    "redelivered": ("重发", "redelivered"),
    "late": ("迟到", "late"),
    "not_yet": ("未到日期", "not yet"),
    "before": ("之前", "before"),
    "after": ("之后", "after"),
    "party_records": ("源系统记录", "party records"),
    "newcomers": ("新客户号", "new customer ids"),
    "merges": ("合并", "merges"),
    "splits": ("拆分", "splits"),
    "refused": ("拒绝的合并", "refused merges"),
}
_WORDS = {
    "zh": {key: pair[0] for key, pair in _PAIRS.items()},
    "en": {key: pair[1] for key, pair in _PAIRS.items()},
}

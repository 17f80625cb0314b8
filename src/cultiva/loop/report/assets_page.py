"""The adviser's page: one customer's assets beside the model, on one sheet of A4."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from cultiva.definitions.workspace import Workspace
from cultiva.insight.assets.advice import Advice, BucketLine
from cultiva.insight.assets.wording import Wording
from cultiva.kit.money import show_money
from cultiva.kit.sheet import Sheet
from cultiva.loop.report.pictures import ACCENT, EM, INK, QUIET
from cultiva.loop.report.shapes import box, line, svg, words

WARM, MODEL = "#b45309", "#cbd5e1"
WIDE, NUMBERS, GAPS, ROW = 700.0, 116.0, 120.0, 58.0
"""Of the picture, in pixels: whole width, room for numbers behind bars, room for gaps, height of a bucket."""


def write_page(found: Advice, workspace: Workspace, file: Path, *, language: str, handout: bool = False) -> None:
    """Writes the page as one HTML file that prints on one sheet.

    Args:
        found: What to say.
        workspace: Has the labels.
        file: Where; its folder is made if absent.
        language: `zh` or `en`.
        handout: Whether it is for the customer: without what the bank earns.
    """
    environment = Environment(
        loader=PackageLoader("cultiva.loop.report"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    says = Wording(workspace, language)
    html = environment.get_template("assets.html.j2").render(
        a=found,
        says=says,
        t=TEXTS[language],
        language=language,
        handout=handout,
        currency=workspace.settings.currency,
        bank=workspace.settings.name,
        portfolios=workspace.portfolios,
        money=show_money,
        bars=Markup(bars(found, says)),  # noqa: S704 our own SVG
        notes=list(says.notes(found)),
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(html, encoding="utf-8")


def bars(found: Advice, says: Wording) -> str:
    """Per bucket two bars, what is held above what the model says, and the gap in money."""
    most = max((max(float(one.held), float(one.target)) for one in found.lines), default=1.0) or 1.0
    left = 12 + max(width_of(says.bucket(one.bucket)) for one in found.lines)
    scale = (WIDE - left - NUMBERS - GAPS) / most
    shapes: list[str] = []
    for number, one in enumerate(found.lines):
        shapes += _bucket(one, (left, number * ROW), scale, says)
        if number:
            shapes.append(line((0, number * ROW), (WIDE, number * ROW), "#e5e7eb"))
    return svg(WIDE, ROW * len(found.lines), shapes)


def _bucket(one: BucketLine, place: tuple[float, float], scale: float, says: Wording) -> list[str]:
    left, top = place
    held, target = (max(scale * float(amount), 1.5) for amount in (one.held, one.target))
    text, color = gap_words(one, says)
    model = f"{show_money(one.target)} · {one.target_share:.0%}"
    return [
        words((0, top + 33), says.bucket(one.bucket)),
        box((left, top + 10), (held, 17), ACCENT),
        words((left + held + 6, top + 23), f"{show_money(one.held)} · {one.held_share:.0%}"),
        box((left, top + 31), (target, 17), MODEL),
        words((left + target + 6, top + 44), model, color=QUIET),
        words((WIDE, top + 33), text, anchor="end", color=color),
    ]


def width_of(text: str) -> float:
    """Pixels of a text: a wide character takes one em, another a little over half.

    Examples:
        >>> width_of("活钱"), round(width_of("ab"), 2)
        (26.0, 15.08)
    """
    return sum(EM * (1.0 if east_asian_width(char) in "WF" else 0.58) for char in text)


def gap_words(one: BucketLine, says: Wording) -> tuple[str, str]:
    """The gap of a bucket in words, and its color."""
    if abs(one.gap) < 1:
        return says.told("与模型一致", "as the model"), QUIET
    if one.gap > 0:
        return says.told(f"缺口 {show_money(one.gap)}", f"{show_money(one.gap)} below"), WARM
    return says.told(f"超配 {show_money(-one.gap)}", f"{show_money(-one.gap)} above"), INK


def sheets(found: Advice, workspace: Workspace, *, language: str) -> list[Sheet]:
    """The same for a terminal: buckets, then proposals."""
    says = Wording(workspace, language)
    currency = workspace.settings.currency
    buckets = Sheet(
        title=f"{found.name} · {found.customer_id} · {found.on} · {says.model(found)}",
        columns=("bucket", "held", "model", "gap", "held_share", "model_share"),
        rows=tuple(
            (says.bucket(one.bucket), one.held, one.target, one.gap, one.held_share, one.target_share)
            for one in found.lines
        ),
        formats={"held": ",.0f", "model": ",.0f", "gap": "+,.0f", "held_share": ".0%", "model_share": ".0%"},
        note=f"{currency} {show_money(found.assets)} · {TEXTS[language]['return']} "
        f"{says.rates(found.now.expected_return, found.then.expected_return)} · {TEXTS[language]['swing']} "
        f"{says.rates(found.now.volatility, found.then.volatility)}",
    )
    proposed = Sheet(
        title=TEXTS[language]["proposals"],
        columns=("product", "amount", "income", "given_up", "net", "change"),
        rows=tuple(
            (says.offer(one.offer), one.amount, one.income, one.given_up, one.net, says.change(found, one))
            for one in found.proposals
        ),
        formats={"amount": ",.0f", "income": ",.0f", "given_up": ",.0f", "net": "+,.0f"},
    )
    return [buckets, proposed] if found.proposals else [buckets]


_PAIRS: dict[str, tuple[str, str]] = {
    "title": ("资产配置建议", "Asset allocation"),
    "customer": ("客户", "customer"),
    "assets": ("金融资产", "financial assets"),
    "return": ("预期年收益", "expected return a year"),
    "swing": ("年波动", "yearly swing"),
    "reserve": ("日常备用金", "kept for daily life"),
    "now_model": ("现在 → 模型", "now → model"),
    "held": ("现持有", "held"),
    "model": ("模型", "model"),
    "where": ("现状与模型", "Held and model"),
    "proposals": ("建议", "Proposals"),
    "none": ("目前没有可推荐的产品。", "No product is proposed at present."),
    "product": ("产品", "product"),
    "amount": ("金额", "amount"),
    "change": ("对客户意味着什么", "what it means to the customer"),
    "bank": ("银行年收入", "bank, a year"),
    "bank_note": (
        "银行年收入 = 产品利润率 × 金额；括号内为减去这笔钱目前带来的收入之后的净额。仅供行内参考，请勿交给客户。",
        "Bank, a year = margin of the product × amount; in brackets the net of what the money earns the bank today. "
        "For the adviser, not to be handed over.",
    ),
    "also": ("也可选", "also open"),
    "notes": ("适当性与需求", "Suitability and needs"),
    "means_now": ("现在", "now"),
    "means_then": ("按模型", "by the model"),
    "assumptions": ("假设", "Assumptions"),
    "source": (
        "来源与日期",
        "Source and date",
    ),
    "promise": (
        "预期收益和波动是假设，不是承诺；实际结果可能更低，包括本金损失。",
        "Returns and swings are assumptions, not promises; results may be lower, losses included.",
    ),
    "signature": ("客户经理签字", "adviser's signature"),
    "talked_on": ("沟通日期", "talked on"),
}
TEXTS = {language: {key: pair[index] for key, pair in _PAIRS.items()} for index, language in enumerate(("zh", "en"))}
"""Fixed words of the page by language."""


def data(found: Advice, workspace: Workspace, *, language: str) -> dict[str, Any]:
    """The advice with its sentences, as JSON-like data."""
    says = Wording(workspace, language)
    return {
        "advice": found,
        "gaps": {one.bucket: one.gap for one in found.lines},
        "net": {one.offer: one.net for one in found.proposals},
        "model": says.model(found),
        "notes": list(says.notes(found)),
        "changes": {one.offer: says.change(found, one) for one in found.proposals},
    }

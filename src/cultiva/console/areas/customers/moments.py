"""Moments of a timeline in the words of whoever looks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.person.past import Moment, MomentKind
from cultiva.loop.shows import labels

CODES: Mapping[str, Words] = MappingProxyType(
    {
        "card_payment": Words("刷卡消费", "Card payment"),
        "transfer_out": Words("转出", "Transfer out"),
        "transfer_in": Words("转入", "Transfer in"),
        "salary": Words("工资代发", "Salary"),
        "cash_out": Words("取现", "Cash out"),
        "cash_in": Words("存现", "Cash in"),
        "utility": Words("生活缴费", "Utility bill"),
        "merchant_income": Words("商户收款", "Merchant income"),
        "loan_payment": Words("还贷", "Loan payment"),
        "interest": Words("利息", "Interest"),
        "investment_buy": Words("购买理财/基金", "Investment bought"),
        "investment_sell": Words("赎回理财/基金", "Investment sold"),
        "pension": Words("养老金", "Pension"),
        "fee": Words("手续费", "Fee"),
        "insurance_premium": Words("保费", "Insurance premium"),
        "payroll_out": Words("代发支出", "Payroll paid"),
        "product_opened": Words("开办产品", "Product opened"),
        "responded": Words("响应", "Responded"),
        "benefit_used": Words("使用权益", "Benefit used"),
        "deposit_raised": Words("存款提升", "Deposit raised"),
        "nps": Words("净推荐值调查", "Recommendation survey"),
        "csat": Words("满意度调查", "Satisfaction survey"),
        "delivered": Words("已送达", "delivered"),
        "failed": Words("失败", "failed"),
        "opened": Words("已打开", "opened"),
        "answered": Words("已接听", "answered"),
        "refused": Words("拒绝", "refused"),
        "not_done": Words("未执行", "not done"),
        "granted": Words("同意", "granted"),
        "withdrawn": Words("撤回", "withdrawn"),
    }
)
"""Codes of canonical tables, in words."""
DETAILS = (("account ", "账户 "), ("with ", "对方 "), ("merchant ", "商户 "), ("score ", "评分 "))
"""Words of a track's details."""


@dataclass(frozen=True)
class Told:
    """A moment in words."""

    moment: Moment
    what: str
    detail: str


def told_moments(parts: Parts, moments: Sequence[Moment]) -> list[Told]:
    """Moments in the language of the parts."""
    words = _words(parts)
    return [Told(one, _what(one, words), _detail(one, words, parts.workspace.settings.language)) for one in moments]


def _words(parts: Parts) -> Mapping[str, str]:
    workspace, language = parts.workspace, parts.workspace.settings.language
    named = dict(labels(parts))
    named |= {one.name: say(one.label, language) for one in workspace.events.values()}
    return {code: say(text, language) for code, text in CODES.items()} | named


def _what(one: Moment, words: Mapping[str, str]) -> str:
    said = (f"#{part}" if part.isdecimal() else words.get(part, part) for part in one.what.split(" / ") if part)
    return " · ".join(said)


def _detail(one: Moment, words: Mapping[str, str], language: str) -> str:
    if one.kind is MomentKind.CONTACT:
        return words.get(one.detail, one.detail)
    if one.kind is MomentKind.EVENT:
        return _properties(one.detail)
    if language == "zh" and one.kind in (MomentKind.TRANSACTION, MomentKind.SURVEY_ANSWER):
        text = one.detail
        for english, chinese in DETAILS:
            text = text.replace(english, chinese)
        return text
    return one.detail


def _properties(text: str) -> str:
    """The properties of an event, written plainly where they are simple.

    Examples:
        >>> _properties('{"product": "P1", "pages": 3}'), _properties("no JSON"), _properties("")
        ('product P1, pages 3', 'no JSON', '')
    """
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return ", ".join(f"{name} {value}" for name, value in found.items())

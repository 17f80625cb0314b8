"""Sentences of the review, in both languages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

from cultiva.contracts.readout import Contrast, Verdict
from cultiva.contracts.sight import few
from cultiva.kit.words import Bilingual, Words

VERDICTS: dict[Verdict, Words] = {
    Verdict.SCALE: Words("扩大", "scale"),
    Verdict.KEEP: Words("保持", "keep"),
    Verdict.CHANGE: Words("调整", "change"),
    Verdict.STOP: Words("停止", "stop"),
    Verdict.WAIT: Words("等待", "wait"),
}
PROGRAMME = Words("全部策略合计", "the whole programme")
SLICES = {
    "(rules)": Words("现行排序 对比 只按规则", "ranking now, against rules only"),
    "(propensity)": Words("现行排序 对比 只按倾向", "ranking now, against propensity only"),
    "(random)": Words("现行排序 对比 随机", "ranking now, against chance"),
}
CONTRASTS = {
    Contrast.ITT: Words("全部可触达", "all open to it"),
    Contrast.COMPLIER: Words("实际触达", "those reached"),
    Contrast.TRIMMED: Words("截尾后", "trimmed"),
}
DIMENSIONS = {
    "all": Words("总体", "all"),
    "offer": Words("权益/产品", "offer"),
    "channel": Words("渠道", "channel"),
    "wave": Words("入组月份", "month of enrolment"),
    "branch": Words("机构", "branch"),
    "cell": Words("格子", "cell"),
    "carried": Words("此前被触达", "touched before"),
    "group:stage": Words("生命周期", "stage"),
    "group:value_tier": Words("价值分层", "value tier"),
}
METRICS = {
    "contribution": Words("贡献", "contribution"),
    "net": Words("扣除成本后贡献", "contribution after cost"),
    "cost": Words("成本", "cost"),
    "sold": Words("所售品类的贡献", "contribution of the category sold"),
}
CUSTOMERS_MIN = 20
"""Fewest customers on either side for a verdict other than to wait."""
NAMED_MAX = 3
"""Groups that a sentence names."""


def metric_words(name: str, labels: Mapping[str, Words]) -> Words:
    """A metric as people read it: ours, or as the workspace calls it."""
    return METRICS.get(name) or labels.get(name) or Words(name, name)


def dimension_words(name: str) -> Words:
    """By what groups are made, as people read it; a group by a tag has the tag's name.

    Examples:
        >>> dimension_words("group_value_tier").zh, dimension_words("group:age_band").en
        ('价值分层', 'age_band')
    """
    plain = name.replace("group_", "group:", 1)
    shown = plain.removeprefix("group:")
    return DIMENSIONS.get(plain) or Words(shown, shown)


def money(amount: float) -> str:
    """An amount per customer with its sign.

    Examples:
        >>> money(12.345), money(-1234.5), money(0.004)
        ('+12.35', '-1,234', '+0.00')
    """
    if not math.isfinite(amount):
        return "-"
    return f"{amount:+,.2f}" if abs(amount) < 100 else f"{amount:+,.0f}"


def of_offer(label: Bilingual) -> Words:
    """An offer among strategies."""
    return Words(f"权益/产品：{label.zh}", f"the offer: {label.en}")


def scale(net: float, probability: float) -> Words:
    """It pays."""
    return Words(
        f"扣除成本后每位客户净增 {money(net)}，盈利概率 {probability:.0%}：可以扩大。",
        f"A customer brings {money(net)} after cost, with a chance of {probability:.0%} that it pays: give it to more.",
    )


def stop(net: float, probability: float) -> Words:
    """It does not pay."""
    return Words(
        f"扣除成本后每位客户 {money(net)}，盈利概率仅 {probability:.0%}：应当停止。",
        f"A customer brings {money(net)} after cost, and the chance that it pays is only {probability:.0%}: stop it.",
    )


def keep(net: float, probability: float) -> Words:
    """It probably pays, and waiting for certainty would cost more than it brings."""
    return Words(
        f"扣除成本后每位客户约 {money(net)}，盈利概率 {probability:.0%}：照此继续，再等确证不划算。",
        f"A customer brings about {money(net)} after cost, with a chance of {probability:.0%} that it pays: go on as "
        "it is, waiting for certainty would cost more than it brings.",
    )


def wait(net: float, probability: float, until: date) -> Words:
    """What will be known later is worth more than deciding now."""
    return Words(
        f"目前每位客户净增约 {money(net)}，盈利概率 {probability:.0%}，尚不足以定论：{until} 再看。",
        f"A customer brings about {money(net)} after cost, with a chance of {probability:.0%} that it pays: look again "
        f"on {until}, knowing more is worth the wait.",
    )


def change(net: float, odd: Sequence[tuple[str, float]], *, pays: bool) -> Words:
    """Some groups go the other way."""
    shown = odd[:NAMED_MAX]
    zh = "、".join(f"{name or '未知'}（{money(value)}）" for name, value in shown)
    en = ", ".join(f"{name or 'unknown'} ({money(value)})" for name, value in shown)
    if pays:
        return Words(
            f"总体每位客户净增 {money(net)}，但对 {zh} 得不偿失：应排除这些客户。",
            f"A customer brings {money(net)} after cost, but not so {en}: leave them out.",
        )
    return Words(
        f"总体每位客户 {money(net)}，只对 {zh} 划算：应只保留这些客户。",
        f"A customer brings {money(net)} after cost, but it pays for {en}: keep it for them only.",
    )


def champion(offer: str, net: float) -> Words:
    """One offer is better than the others."""
    return Words(
        f"权益 {offer} 明显最优，每位客户净增 {money(net)}：以它为主，其余仅留探索。",
        f"The offer {offer} is clearly the best, {money(net)} per customer after cost: prefer it, explore the others.",
    )


def broken(sentence: Words) -> Words:
    """An alarm."""
    return Words(
        f"实验校验报警，结果暂不可信，先查明原因：{sentence.zh}",
        f"Do not believe the effect before this is explained: {sentence.en}",
    )


def unmeasured(treated: int, control: int, reason: Words) -> Words:
    """Nothing can be said yet. Whoever sees the review reads it, also those who see no customer."""
    why, zh = (f": {reason.en}", f"：{reason.zh}。") if reason else (".", "。")
    return Words(
        f"尚无法测算（可触达 {few(treated)} 人，对照 {few(control)} 人有结果，每边至少要 {CUSTOMERS_MIN} 人）{zh}",
        f"Nothing can be said yet ({few(treated)} customers touched or open to it and {few(control)} left alone "
        f"have results; {CUSTOMERS_MIN} on each side are the least){why}",
    )


def slices(name: str, effect: float, verdict: Verdict) -> Words:
    """The present ranking against a simpler one."""
    zh = {Verdict.KEEP: "保持现行排序", Verdict.CHANGE: "较简单的排序更好"}.get(verdict, "差别尚不确定")
    en = {Verdict.KEEP: "keep it", Verdict.CHANGE: "the simpler ranking is better"}.get(verdict, "not settled yet")
    other = name.strip("()")
    return Words(
        f"现行排序与 {other} 相比，每位客户 {money(effect)}：{zh}。",
        f"The ranking now brings {money(effect)} per customer against {other}: {en}.",
    )


def programme(effect: float, verdict: Verdict) -> Words:
    """The whole programme against the global holdout."""
    zh = {Verdict.KEEP: "确有净增", Verdict.CHANGE: "得不偿失"}.get(verdict, "尚不确定")
    en = {Verdict.KEEP: "it surely pays", Verdict.CHANGE: "it surely does not pay"}.get(verdict, "not settled yet")
    return Words(
        f"与全局对照组相比，每位客户扣除成本后 {money(effect)}：{zh}。",
        f"Against the global holdout a customer brings {money(effect)} after cost: {en}.",
    )

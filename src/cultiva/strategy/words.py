"""A decision in words, in both languages."""

from __future__ import annotations

from cultiva.contracts.decision import Decision, Fate, offer_experiment
from cultiva.definitions.base import Label
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.field import NO_ADVISER

FATES: dict[Fate, Label] = {
    Fate.CHOSEN: Label(zh="入选", en="chosen"),
    Fate.HELD_OUT_GLOBAL: Label(zh="全局对照组", en="global holdout"),
    Fate.HELD_OUT: Label(zh="对照组", en="holdout"),
    Fate.SUPPRESSED: Label(zh="被抑制", en="suppressed"),
    Fate.NOT_ELIGIBLE: Label(zh="不符合条件", en="not eligible"),
    Fate.UNSUITABLE: Label(zh="不适当", en="unsuitable"),
    Fate.NO_CONSENT: Label(zh="未授权", en="no consent"),
    Fate.CAPPED: Label(zh="触达已达上限", en="capped"),
    Fate.NO_GAIN: Label(zh="不值得打扰", en="no gain"),
    Fate.OUTBID: Label(zh="让位于更优候选", en="outbid"),
    Fate.NO_CAPACITY: Label(zh="产能不足", en="no capacity"),
}
"""What people read for each fate."""


def sentence(decision: Decision, workspace: Workspace, *, language: str) -> str:
    """Why a candidate was chosen or lost, in one sentence.

    Args:
        decision: The candidate's fate.
        workspace: For labels and limits.
        language: `zh` or `en`.
    """
    return (_zh if language == "zh" else _en)(decision, workspace)


def _en(one: Decision, workspace: Workspace) -> str:
    value, by, policy = one.decided_value, one.decided_by, workspace.policy
    texts = {
        Fate.CHOSEN: f"chosen: {one.offer} over {one.channel}, rank {_number(one.rank_value)}",
        Fate.HELD_OUT_GLOBAL: f"left alone: draw {_number(value)} below the global holdout {policy.global_holdout:g}",
        Fate.HELD_OUT: f"left alone: draw {_number(value)} below {_whose(one).en} holdout {_holdout(one, workspace):g}",
        Fate.SUPPRESSED: f"suppressed: {by} applies or cannot be ruled out",
        Fate.NOT_ELIGIBLE: "not eligible: the strategy's or every offer's own condition does not hold",
        Fate.UNSUITABLE: f"unsuitable: {one.offer} is above the valid risk rating, or the rating is missing or expired",
        Fate.NO_CONSENT: "no consent on any channel of the strategy",
        Fate.CAPPED: f"capped: {_number(value)} touches already used in the longest window",
        Fate.NO_GAIN: f"no gain: a touch is measured to bring {_number(one.rank_value)} after its cost",
        Fate.OUTBID: f"outbid by {by} at rank {_number(value)}",
        Fate.NO_CAPACITY: "no capacity: the customer has no adviser"
        if by == NO_ADVISER
        else f"no capacity: place {_number(value)} in the queue of {by}",
    }
    return texts[one.fate]


def _zh(one: Decision, workspace: Workspace) -> str:
    value, by, policy = one.decided_value, one.decided_by, workspace.policy
    texts = {
        Fate.CHOSEN: f"入选：{one.offer}，渠道 {one.channel}，排序值 {_number(one.rank_value)}",
        Fate.HELD_OUT_GLOBAL: f"不打扰：抽签值 {_number(value)} 低于全局对照组比例 {policy.global_holdout:g}",
        Fate.HELD_OUT: f"不打扰：抽签值 {_number(value)} 低于{_whose(one).zh}对照组比例 {_holdout(one, workspace):g}",
        Fate.SUPPRESSED: f"被抑制：{by} 成立或无法排除",
        Fate.NOT_ELIGIBLE: "不符合条件：策略或全部权益的条件不成立",
        Fate.UNSUITABLE: f"不适当：{one.offer} 高于有效风险等级，或评级缺失、过期",
        Fate.NO_CONSENT: "本策略的任何渠道均未获授权",
        Fate.CAPPED: f"触达已达上限：最长窗口内已用 {_number(value)} 次",
        Fate.NO_GAIN: f"不值得打扰：回检测得每次触达净增益为 {_number(one.rank_value)}",
        Fate.OUTBID: f"让位于 {by}，其排序值 {_number(value)}",
        Fate.NO_CAPACITY: "产能不足：客户没有管户客户经理"
        if by == NO_ADVISER
        else f"产能不足：在 {by} 的队列中排第 {_number(value)} 位",
    }
    return texts[one.fate]


def _by_offer(one: Decision) -> bool:
    """Whether it is the offer's holdout."""
    return one.decided_by == offer_experiment(one.offer)


def _whose(one: Decision) -> Label:
    """Whose holdout it is, before the word for it."""
    if _by_offer(one):
        return Label(zh=f"权益/产品 {one.offer} 的", en=f"the offer {one.offer}'s")
    return Label(zh="本策略", en="this strategy's")


def _holdout(one: Decision, workspace: Workspace) -> float:
    offer, strategy = workspace.offers.get(one.offer), workspace.strategies.get(one.strategy)
    if _by_offer(one):
        return offer.holdout if offer else 0.0
    return strategy.holdout if strategy else 0.0


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1 else f"{value:,.10g}"

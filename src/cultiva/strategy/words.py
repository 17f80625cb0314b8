"""A decision in words, in both languages."""

from __future__ import annotations

from cultiva.contracts.decision import Decision, Fate, offer_experiment, ramp_draw
from cultiva.definitions.base import Label
from cultiva.definitions.review import RankBy
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.limits import AT, BUDGET, CAPACITY, NO_ADVISER, NOT_DRAWN

FATES: dict[Fate, Label] = {
    Fate.CHOSEN: Label(zh="入选", en="chosen"),
    Fate.HELD_OUT_GLOBAL: Label(zh="全局对照组", en="global holdout"),
    Fate.HELD_OUT: Label(zh="对照组", en="holdout"),
    Fate.SUPPRESSED: Label(zh="被抑制", en="suppressed"),
    Fate.NOT_ELIGIBLE: Label(zh="不符合条件", en="not eligible"),
    Fate.NOT_APPLICABLE: Label(zh="当前不适用", en="not applicable"),
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
    value, policy = one.decided_value, workspace.policy
    whose = _whose(one, workspace).en
    offer, channel, by = (_called(name, workspace).en for name in (one.offer, one.channel, one.decided_by))
    texts = {
        Fate.CHOSEN: f"chosen: {offer} over {channel}, {_brings(one).en}",
        Fate.HELD_OUT_GLOBAL: f"left alone: draw {_number(value)} below the global holdout {policy.global_holdout:g}",
        Fate.HELD_OUT: f"waits: draw {_number(value)}, not yet among the first customers of the strategy"
        if _waits(one)
        else f"left alone: draw {_number(value)} below {whose} holdout {_holdout(one, workspace):g}",
        Fate.SUPPRESSED: f"suppressed: {by} applies or cannot be ruled out",
        Fate.NOT_ELIGIBLE: "not eligible: the strategy's or every offer's own condition does not hold",
        Fate.NOT_APPLICABLE: f"not applicable: {offer} is of no use to the customer now",
        Fate.UNSUITABLE: f"unsuitable: {offer} is above the valid risk rating, or the rating is missing or expired",
        Fate.NO_CONSENT: "no consent on any channel of the strategy",
        Fate.CAPPED: f"capped: {_number(value)} touches already used in the longest window",
        Fate.NO_GAIN: f"no gain: a touch is expected to bring {_number(value)} after its cost",
        Fate.OUTBID: f"not drawn: {offer} over {channel}, among several tried by chance"
        if one.decided_by == NOT_DRAWN
        else f"outbid: {offer} at {_number(one.rank_value)}, {by} is worth {_number(value)}",
        Fate.NO_CAPACITY: _short(one, workspace).en,
    }
    return texts[one.fate]


def _zh(one: Decision, workspace: Workspace) -> str:
    value, policy = one.decided_value, workspace.policy
    whose = _whose(one, workspace).zh
    offer, channel, by = (_called(name, workspace).zh for name in (one.offer, one.channel, one.decided_by))
    texts = {
        Fate.CHOSEN: f"入选：{offer}，渠道 {channel}，{_brings(one).zh}",
        Fate.HELD_OUT_GLOBAL: f"不打扰：抽签值 {_number(value)} 低于全局对照组比例 {policy.global_holdout:g}",
        Fate.HELD_OUT: f"等待：抽签值 {_number(value)}，尚不在本策略首批客户之内"
        if _waits(one)
        else f"不打扰：抽签值 {_number(value)} 低于{whose}对照组比例 {_holdout(one, workspace):g}",
        Fate.SUPPRESSED: f"被抑制：{by} 成立或无法排除",
        Fate.NOT_ELIGIBLE: "不符合条件：策略或全部权益的条件不成立",
        Fate.NOT_APPLICABLE: f"当前不适用：{offer} 此时对该客户没有用处",
        Fate.UNSUITABLE: f"不适当：{offer} 高于有效风险等级，或评级缺失、过期",
        Fate.NO_CONSENT: "本策略的任何渠道均未获授权",
        Fate.CAPPED: f"触达已达上限：最长窗口内已用 {_number(value)} 次",
        Fate.NO_GAIN: f"不值得打扰：预计触达扣除成本后带来 {_number(value)}",
        Fate.OUTBID: f"未抽中：{offer}（{channel}），本次随机试用了其他方案"
        if one.decided_by == NOT_DRAWN
        else f"让位：{offer} 值 {_number(one.rank_value)}，{by} 值 {_number(value)}",
        Fate.NO_CAPACITY: _short(one, workspace).zh,
    }
    return texts[one.fate]


def _brings(one: Decision) -> Label:
    """What a chosen candidate is expected to bring, where money ranks it; else its rank."""
    if one.ranked_by != RankBy.EFFECT.value or one.effect is None or one.cost is None:
        return Label(zh=f"排序值 {_number(one.rank_value)}", en=f"rank {_number(one.rank_value)}")
    source = {"prior": Label(zh="先验", en="a prior"), "learnt": Label(zh="回检", en="review")}.get(
        one.worth_by or "", Label(zh=f"模型 {one.worth_by}", en=f"model {one.worth_by}")
    )
    return Label(
        zh=f"预计带来 {one.effect:,.2f}，成本 {one.cost:,.2f}（依据：{source.zh}）",
        en=f"expected to bring {one.effect:,.2f} at a cost of {one.cost:,.2f} (says {source.en})",
    )


def _short(one: Decision, workspace: Workspace) -> Label:
    """Which resource was worth more elsewhere, at which price; or the place in its queue."""
    if one.decided_by == NO_ADVISER:
        return Label(zh="产能不足：客户没有管户客户经理", en="no capacity: the customer has no adviser")
    by, value = resource_words(one.decided_by or "", workspace), _number(one.decided_value)
    if one.ranked_by == RankBy.EFFECT.value:
        return Label(
            zh=f"产能不足：{by.zh} 的影子价格为每单位 {value}，本候选净值 {_number(one.rank_value)}",
            en=f"no capacity: {by.en} is worth {value} a unit elsewhere, this one {_number(one.rank_value)} in all",
        )
    if one.decided_value is None:
        return Label(zh=f"产能不足：{by.zh} 已用完", en=f"no capacity: {by.en} is used up")
    return Label(
        zh=f"产能不足：在 {by.zh} 的队列中排第 {value} 位", en=f"no capacity: place {value} in the queue of {by.en}"
    )


def resource_words(name: str, workspace: Workspace) -> Label:
    """What people read for a resource or a pool of hands.

    Args:
        name: As in `competition.Price.resource`.
        workspace: Has the labels.
    """
    labels = {one.name: one.label for one in workspace.arbitration.resources}
    for prefix, words in {
        BUDGET: Label(zh="的月度预算", en="'s monthly budget"),
        CAPACITY: Label(zh="的产能", en="'s capacity"),
    }.items():
        for strategy in workspace.strategies.values():
            labels[prefix + strategy.name] = Label(zh=strategy.label.zh + words.zh, en=strategy.label.en + words.en)
    if name in labels:
        return labels[name]
    if AT in name:
        owner, holder = name.split(AT, 1)
        found = workspace.strategies.get(owner)
        label = found.label if found is not None else Label(zh=owner, en=owner)
        return Label(zh=f"{label.zh}（{holder}）", en=f"{label.en} ({holder})")
    if name.startswith("adviser "):
        who = name.removeprefix("adviser ")
        return Label(zh=f"客户经理 {who}", en=f"adviser {who}")
    return Label(zh=name, en=name)


def _waits(one: Decision) -> bool:
    """Whether it waits for what the first customers of the strategy show."""
    return one.decided_by == ramp_draw(one.strategy)


def _by_offer(one: Decision) -> bool:
    """Whether it is the offer's holdout."""
    return one.decided_by == offer_experiment(one.offer)


def _whose(one: Decision, workspace: Workspace) -> Label:
    """Whose holdout it is, before the word for it."""
    if _by_offer(one):
        offer = _called(one.offer, workspace)
        return Label(zh=f"权益/产品 {offer.zh} 的", en=f"the offer {offer.en}'s")
    return Label(zh="本策略", en="this strategy's")


def _holdout(one: Decision, workspace: Workspace) -> float:
    offer, strategy = workspace.offers.get(one.offer), workspace.strategies.get(one.strategy)
    if _by_offer(one):
        return offer.holdout if offer else 0.0
    return strategy.holdout if strategy else 0.0


def _called(name: str | None, workspace: Workspace) -> Label:
    """What people read for an offer, channel, strategy or suppression; its name if it is none of these any more."""
    policy = workspace.policy
    known = (*policy.channels, *policy.suppressions, *workspace.offers.values(), *workspace.strategies.values())
    return next((one.label for one in known if one.name == name), Label(zh=name or "-", en=name or "-"))


def _number(value: float | None) -> str:
    """To the cent; shares and draws, below one, to four places that count."""
    if value is None:
        return "-"
    return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}".rstrip("0").rstrip(".")

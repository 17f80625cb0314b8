"""What people read about campaigns, in both languages."""

from __future__ import annotations

from cultiva.execution.audit.chain import Break
from cultiva.execution.dispatch.records import State as DeliveryState
from cultiva.execution.launching.launches import State
from cultiva.kit.words import Words

STATES = {
    State.SUBMITTED: Words("待审批", "submitted"),
    State.REJECTED: Words("已驳回", "rejected"),
    State.APPROVED: Words("已批准", "approved"),
    State.LIVE: Words("投放中", "live"),
    State.PAUSED: Words("已暂停", "paused"),
    State.STOPPED: Words("已停止", "stopped"),
    State.FINISHED: Words("已结束", "finished"),
}
"""Where a launch stands."""
MESSAGE_STATES = {
    DeliveryState.QUEUED: Words("待发", "queued"),
    DeliveryState.SENDING: Words("发送中", "leaving"),
    DeliveryState.SENT: Words("已提交渠道商", "with the provider"),
    DeliveryState.DELIVERED: Words("已送达", "delivered"),
    DeliveryState.FAILED: Words("失败", "failed"),
    DeliveryState.DEAD: Words("未能发出", "could not be sent"),
    DeliveryState.UNKNOWN: Words("去向不明", "fate unknown"),
    DeliveryState.CANCELLED: Words("已取消", "cancelled"),
}
"""Where a message stands."""
TITLES = {
    "launches": Words("投放", "launches"),
    "halts": Words("紧急停发", "emergency stops"),
    "explanation": Words("投放说明", "launch explained"),
    "funnel": Words("客户漏斗", "who is left after every filter"),
    "waves": Words("波次与触达量", "waves and volumes"),
    "cost": Words("成本", "cost"),
    "effect": Words("预期效果", "expected effect"),
    "channels": Words("渠道当日量", "channels that day"),
    "load": Words("人工负荷", "load on people"),
    "held_out": Words("对照组", "left alone to measure the effect"),
    "samples": Words("样例客户", "sample customers"),
    "tests": Words("测试发送", "test messages"),
    "conflicts": Words("与其他投放的冲突", "conflicts with other launches"),
    "approvals": Words("审批", "approvals"),
    "audit": Words("审计", "audit"),
}
"""Titles of tables."""
FUNNEL = {
    "customers": Words("全部客户", "all customers"),
    "audience": Words("名单：客群、阶段、层级", "audience: group, stages, tiers"),
}
"""Steps of the funnel that are no fates."""
SOURCES = {
    "learnt": Words("回检所得", "learnt by review"),
    "prior": Words("先验", "prior of the offers"),
    "": Words("未评估", "not judged"),
}
"""Where an effect comes from."""
BREAKS = {
    Break.GAP: Words("编号不连续，有行缺失", "the number is not the next one, lines are missing"),
    Break.CHAIN: Words("与前一行的哈希不符", "it does not follow on the line before"),
    Break.CONTENT: Words("内容与哈希不符", "its content is not what its hash says"),
    Break.ANCHOR: Words("与所给锚点不符，整链被重算", "it is not the anchor's line, the chain was sealed anew"),
    Break.CUT: Words("锚点所指的行不存在，尾部被截断", "the anchor's line is gone, the end was cut off"),
}
"""What is wrong with a line of the audit."""
TEXTS = {
    "launch": Words("编号", "launch"),
    "strategy": Words("策略", "strategy"),
    "label": Words("名称", "label"),
    "state": Words("状态", "state"),
    "enrols": Words("入组", "enrols"),
    "once": Words("一次", "once"),
    "daily": Words("每日", "daily"),
    "date": Words("业务日", "date"),
    "cost": Words("计划成本", "cost"),
    "author": Words("提交人", "author"),
    "changed": Words("更新", "changed"),
    "audience": Words("名单条件", "audience"),
    "customers": Words("客户", "customers"),
    "version": Words("版本", "version"),
    "attention": Words("注意", "attention"),
    "changed_since": Words("提交后策略已变更，须重新提交", "the strategy has changed since: submit it again"),
    "step": Words("环节", "filter"),
    "lost": Words("剔除", "lost"),
    "left": Words("剩余", "left"),
    "share": Words("比例", "share"),
    "wave": Words("步骤", "step"),
    "kind": Words("方式", "kind"),
    "decided": Words("按决策", "as decided"),
    "send": Words("发送", "send"),
    "task": Words("人工任务", "task"),
    "grant": Words("发放权益", "grant"),
    "channel": Words("渠道", "channel"),
    "offer": Words("权益/产品", "offer"),
    "unit_cost": Words("每次成本", "a touch costs"),
    "waves_note": Words(
        "步骤行为该波次的人数上限：分流按份额，其余按全部前进计。",
        "A row with a step has the most people who can come to it: splits part them, else everybody goes on.",
    ),
    "fact": Words("项目", "what"),
    "amount": Words("金额", "money"),
    "first_wave": Words("首次触达", "first touches"),
    "contacts": Words("触达", "contacts"),
    "contacts_all": Words("全部波次触达（上限）", "contacts of all waves, at most"),
    "offers": Words("权益/产品", "offers"),
    "offers_taken": Words("权益（按领用率）", "offers as taken up"),
    "offers_most": Words("权益（全部领用）", "offers if everybody takes them up"),
    "grants": Words("发放的权益", "benefits granted"),
    "run": Words("每次运行合计", "one run in all"),
    "budget": Words("月预算", "monthly budget"),
    "planned": Words("计划成本（审批口径）", "planned cost, held against limits"),
    "take_up": Words("领用率", "take-up"),
    "unknown_take_up": Words("未知，按全部领用计", "not known, counted as if all took it up"),
    "days": Words("天数", "days"),
    "effect": Words("预期增量", "expected"),
    "low": Words("下限", "from"),
    "high": Words("上限", "to"),
    "source": Words("依据", "says"),
    "per_customer": Words("每人", "per customer"),
    "total": Words("合计", "in all"),
    "in_plan": Words("按计划的排序", "as the plan ranks them"),
    "model": Words("模型", "model"),
    "others": Words("其他策略", "other strategies"),
    "at_most": Words("上限", "at most"),
    "past_days": Words("最近各日入选", "chosen on the last days"),
    "adviser": Words("客户经理", "adviser"),
    "fate": Words("组别", "group"),
    "compared": Words("参与比较", "compared"),
    "held_note": Words(
        "对照客户不收到本投放的任何触达；策略对照组仍可能收到其他策略，全局对照组一概不触达。按客户号抽签，每日同一批人；"
        "参与比较者为若无对照本会入选的人。",
        "They get nothing of this launch. Other strategies may reach the strategy's own holdout; nobody reaches the "
        "global one. Drawn by customer id, the same people every day; compared are those who would have been chosen.",
    ),
    "customer": Words("客户号", "customer"),
    "name": Words("姓名", "name"),
    "stage": Words("阶段", "stage"),
    "tier": Words("层级", "tier"),
    "decision": Words("决策", "decision"),
    "reason": Words("理由", "reason"),
    "tester": Words("测试人", "tester"),
    "address": Words("地址", "address"),
    "content": Words("内容", "content"),
    "no_content": Words("无内容，不会发出", "no content: nothing would go out"),
    "no_halt": Words("没有紧急停发", "no emergency stop is in force"),
    "same_offer": Words("同类权益客户", "with the same offer"),
    "approver": Words("审批人", "approver"),
    "role": Words("角色", "role"),
    "judgement": Words("意见", "judgement"),
    "yes": Words("同意", "yes"),
    "no": Words("驳回", "no"),
    "remark": Words("备注", "remark"),
    "at": Words("时间 (UTC)", "at (UTC)"),
    "number": Words("序号", "number"),
    "actor": Words("操作人", "actor"),
    "action": Words("动作", "action"),
    "subject": Words("对象", "subject"),
    "detail": Words("详情", "detail"),
    "hash": Words("哈希", "hash"),
    "anchor": Words("锚点（请另处保存）", "anchor (keep it elsewhere)"),
}  # fmt: skip
"""Headings and other words."""

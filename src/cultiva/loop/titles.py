"""What people read for each step of the day."""

from __future__ import annotations

from cultiva.kit.words import Words

STEPS: dict[str, Words] = {
    "sources": Words("数据接入", "deliveries"),
    "identity": Words("客户拉通", "identity"),
    "customer": Words("客户主档", "customers"),
    "holding": Words("账户持有", "holdings"),
    "lifetime": Words("生命周期价值", "lifetime value"),
    "profile": Words("标签画像、价值、生命周期", "profile, value, lifecycle"),
    "performance": Words("客户业绩", "performance"),
    "standing": Words("阶段价值网格与标签目录", "grid and catalogue"),
    "segments": Words("客群", "segments"),
    "microsegments": Words("微客群", "micro-segments"),
    "worth": Words("真实价值", "true worth"),
    "plan": Words("名单计划", "plan"),
    "pricing": Words("定价学习", "prices that are learnt"),
    "exposure": Words("试验名册", "experiments"),
    "features": Words("入组特征", "features at enrolment"),
    "review": Words("效果回检", "review"),
    "models": Words("效果模型", "models of effect"),
    "lists": Words("名单", "worklists"),
    "decided": Words("实时决策归档", "live decisions"),
    "publish": Words("发布实时画像", "live profiles"),
    "report": Words("报告", "report"),
}
"""Step -> its title."""

"""What people read for each step of the day and each kind of definition."""

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
KINDS: dict[str, Words] = {
    "tag": Words("标签", "tags"),
    "segment": Words("客群", "segments"),
    "micro_segmentation": Words("微细分", "micro-segmentations"),
    "lifecycle": Words("生命周期", "lifecycle"),
    "value": Words("价值模型", "value model"),
    "strategy": Words("策略", "strategies"),
    "offer": Words("权益/产品", "offers"),
    "product": Words("产品模板", "product templates"),
    "content": Words("内容与话术", "content and scripts"),
    "trigger": Words("触发器", "triggers"),
    "placements": Words("展位", "placements"),
    "contact_policy": Words("触达政策", "contact policy"),
    "approval": Words("审批规则", "approval"),
    "arbitration": Words("资源与仲裁", "resources and arbitration"),
    "review": Words("效果回检", "review"),
    "models": Words("效果模型", "models of effect"),
    "portfolios": Words("资产配置模型", "model portfolios"),
    "fairness": Words("定价公平性", "fairness of prices"),
    "map": Words("策略地图", "strategy map"),
    "workbench": Words("工作台", "workbench"),
    "calendar": Words("日历", "calendar"),
    "sender": Words("发送方", "sender"),
    "provider": Words("渠道服务商", "providers"),
    "event": Words("事件", "events"),
    "identity": Words("客户拉通", "identity"),
    "input": Words("数据输入", "inputs"),
    "mapping": Words("数据映射", "mappings of sources"),
}
"""Kind of definition -> its title, in the order in which people ask for them."""

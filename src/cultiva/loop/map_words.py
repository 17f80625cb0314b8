"""What people read about the strategy map, in both languages."""

from __future__ import annotations

from cultiva.kit.words import Words
from cultiva.strategy.map.places import Standing

TEXTS: dict[str, Words] = {
    "title": Words("策略图谱", "Strategy map"),
    "grid": Words("客群 × 生命周期", "Groups by stage"),
    "coverage": Words("覆盖", "Coverage by group"),
    "group": Words("客群", "group"),
    "stage": Words("阶段", "stage"),
    "tier": Words("价值分层", "value tier"),
    "customers": Words("客户", "customers"),
    "potential": Words("潜在价值", "potential value"),
    "covered": Words("覆盖", "covered"),
    "touched": Words("已触达", "touched"),
    "contacts": Words("触达次数", "touches"),
    "spent": Words("近期成本", "spent"),
    "monthly": Words("月成本", "a month"),
    "budget": Words("月预算", "budget"),
    "budget_share": Words("预算使用", "of budget"),
    "incremental": Words("增量", "incremental"),
    "cost": Words("回检成本", "cost"),
    "net": Words("净增量", "net"),
    "strategy": Words("策略", "strategy"),
    "strategies": Words("策略", "Strategies"),
    "label": Words("名称", "label"),
    "owner": Words("负责人", "owner"),
    "audience": Words("名单", "audience"),
    "alone": Words("仅此策略", "only here"),
    "holdout": Words("对照", "holdout"),
    "objective": Words("目标指标", "objective"),
    "target": Words("目标", "target"),
    "effect": Words("实测", "measured"),
    "low": Words("下限", "from"),
    "high": Words("上限", "to"),
    "standing": Words("进度", "standing"),
    "source": Words("依据", "by"),
    "verdict": Words("建议", "verdict"),
    "gaps": Words("空白：没有策略的客户", "Gaps: customers without a strategy"),
    "without": Words("无策略", "without"),
    "of": Words("共", "of"),
    "empty": Words("整格空白", "whole cell"),
    "overlaps": Words("重叠：同在两个策略名单中的客户", "Overlaps: customers in the audiences of two strategies"),
    "conflicts": Words(
        "冲突：两个策略以同一权益争取同一批客户",
        "Conflicts: two strategies after the same customers with the same offer",
    ),
    "first": Words("策略一", "first"),
    "second": Words("策略二", "second"),
    "both": Words("共同客户", "both"),
    "first_share": Words("占策略一", "of the first"),
    "second_share": Words("占策略二", "of the second"),
    "thing": Words("权益", "offer"),
    "first_wins": Words("今日归策略一", "first today"),
    "second_wins": Words("今日归策略二", "second today"),
    "rollup": Words("结果汇总", "Results rolled up"),
    "name": Words("名称", "name"),
    "dimension": Words("维度", "by"),
    "enrolled": Words("可触达人次", "places"),
    "none": Words("无", "none"),
    "draft": Words("草稿", "draft"),
    "everywhere": Words("全部", "all"),
    "offers": Words("权益", "offers"),
    "channels": Words("渠道", "channels"),
    "capacity": Words("人力上限", "capacity"),
    "resources": Words("共用资源", "shared resources"),
    "stages": Words("阶段", "stages"),
    "tiers": Words("分层", "tiers"),
    "groups": Words("客群", "groups"),
    "what": Words("项目", "what"),
    "value": Words("内容", "value"),
    "places": Words("所在格子", "Where it is"),
    "programme": Words("全部策略（对照全局留白）", "The whole programme, against the global holdout"),
    "sum": Words("各策略之和", "Sum of strategies"),
}
"""Words of tables and of the page."""

PAGE: dict[str, Words] = {
    "grid_note": Words(
        "左上：客户数；右上：至少一个策略覆盖的比例；浅条：覆盖，深条：近期触达。橙色越深，没有策略的客户潜在价值越大。"
        "鼠标停留可见策略与人数。",
        "left: customers; right: share in the audience of at least one strategy; pale bar: covered, dark bar: touched "
        "lately. The deeper the amber, the more potential value lies in customers without a strategy. Rest the mouse "
        "on a cell to see its strategies.",
    ),
    "tiers_grid": Words("客群 × 价值分层", "Groups by value tier"),
    "lanes": Words("每个策略的位置", "Where every strategy has its place"),
    "lanes_note": Words(
        "圆的大小：名单人数；深色：近期触达的比例；短横：适用但无人，浅色短横：不适用。",
        "size of a circle: audience; dark: share touched lately; a dash: nobody there, pale: not meant for the stage.",
    ),
    "targets": Words("目标与实测、打法、上限、预算", "Targets, plays, limits, budgets"),
    "targets_note": Words(
        "橙线：目标；圆点与横条：实测及区间；竖线：零。依据“回检”的区间可随时查看；“今日两组差”未扣除事前差异，只供参考。",
        "amber mark: target; dot and bar: measured, with its interval; grey line: zero. By review the interval holds "
        "however often one looks; sides today is the plain difference of both sides today, for one look.",
    ),
    "play": Words("权益与渠道", "offers and channels"),
    "limits": Words("上限 · 对照", "limits · holdout"),
    "month": Words("月成本 / 预算", "a month / budget"),
    "a_day": Words("／天", " a day"),
    "card_covered": Words("在至少一个策略名单中", "in some strategy's audience"),
    "card_touched": Words("近 {days} 天被触达", "touched in the last {days} days"),
    "card_idle": Words(
        "{customers:,} 位无策略客户的潜在价值", "potential value of {customers:,} customers without a strategy"
    ),
    "card_strategies": Words("生效策略", "active strategies"),
    "card_drafts": Words("生效策略 + 草稿", "active strategies + drafts"),
    "card_conflicts": Words("策略冲突", "pairs in conflict"),
    "card_net": Words("全部策略净增量（对全局对照）", "net, the whole programme"),
    "all_tables": Words("完整数据", "all data"),
}
"""Words of the page alone."""

STANDINGS: dict[Standing, Words] = {
    Standing.REACHED: Words("已达成", "reached"),
    Standing.POSSIBLE: Words("未定", "open"),
    Standing.MISSED: Words("未达成", "short"),
    Standing.UNKNOWN: Words("—", "–"),
}
"""How an objective stands."""

SOURCES: dict[str, Words] = {
    "review": Words("回检", "review"),
    "today": Words("今日两组差", "sides today"),
    "": Words("", ""),
}
"""What a measured change rests on."""

CAPACITIES: dict[str, Words] = {
    "adviser": Words("每客户经理", "per adviser"),
    "branch": Words("每网点", "per branch"),
    "strategy": Words("全策略", "in all"),
}
"""Whose capacity it is."""

RULE = Words(
    "口径：每个策略的增量按其可触达客户平均分摊，每位客户只在一个阶段、一个分层，因此阶段、分层、策略三种汇总相等；"
    "客群可重叠，不可相加。各策略逐一与自己的对照组比较，其和不等于总量；总量以全部策略对全局对照组的结果为准。",
    "How it adds up: a strategy's money is spread evenly over the customers open to it, each in one stage and one "
    "tier, so stages, tiers and strategies give the same sum; groups may overlap and do not add up. Strategies are "
    "measured one by one against their own holdouts, so their sum is not the total: the total is the whole programme "
    "against the global holdout.",
)
"""How results are added up without counting anything twice."""


def lately(days: int) -> Words:
    """What counts as touched."""
    return Words(f"触达与成本：近 {days} 天", f"touched and spent: the last {days} days")

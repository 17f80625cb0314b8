"""What the prices of a day say to people: ladder, curve, authority, fairness, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cultiva.definitions.products import Unit, value_text
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.pricing import curve_rows
from cultiva.strategy.pricing.market import least_role, may_grant
from cultiva.strategy.pricing.optimum import GROUP_QUOTED_MIN, SURE, TAKEN_MIN, Why
from cultiva.strategy.pricing.response import INTERVAL
from cultiva.strategy.pricing.service import Priced

WHY: Mapping[Why, Words] = {
    Why.LEARNT: Words("学得：优于牌价", "learnt: it beats the list price"),
    Why.LIST_BEST: Words("牌价最优", "the list price brings most"),
    Why.TOO_FEW: Words(
        f"数据不足（至少 {TAKEN_MIN} 笔成交、每组 {GROUP_QUOTED_MIN} 人报价）：维持牌价",
        f"too few ({TAKEN_MIN} take-ups, {GROUP_QUOTED_MIN} quotes per group are the least): list price",
    ),
    Why.NOT_SURE: Words(f"把握不足 {SURE:.0%}：维持牌价", f"less than {SURE:.0%} sure: list price"),
}
"""Why a group has its price, in words."""
HEADINGS = {
    "group": Words("客群", "group"),
    "customers": Words("客户", "customers"),
    "quoted": Words("抽价报价", "drawn quotes"),
    "taken": Words("成交", "taken"),
    "listed": Words("牌价", "list"),
    "price": Words("定价", "price"),
    "best": Words("期望最优", "best guess"),
    "gain": Words("每次报价增益", "gain per quote"),
    "low": Words("下限", "from"),
    "high": Words("上限", "to"),
    "chance": Words("把握", "sure"),
    "role": Words("授权", "granted by"),
    "why": Words("依据", "why"),
    "take_up": Words("接受率", "take-up"),
    "margin": Words("成交贡献", "margin"),
    "contribution": Words("每次报价贡献", "per quote"),
    "mark": Words("标记", "mark"),
    "label": Words("名称", "label"),
    "limit": Words("最优可批", "may go to"),
    "levels": Words("可批价格", "levels"),
    "other": Words("另一组", "other group"),
    "gap": Words("价差", "difference"),
    "reason": Words("解释", "explained"),
    "attribute": Words("受保护属性", "protected"),
    "value": Words("取值", "value"),
    "mean": Words("平均定价", "mean price"),
    "beyond": Words("与总体之差", "less everybody's"),
}
"""Columns as people read them."""


def sheets(parts: Parts, one: Priced) -> list[Sheet]:
    """Everything about the prices of one template."""
    told = _Told(parts, one)
    found = [told.ladder(), told.curve(), told.authority()]
    if one.differences:
        found.append(told.differences())
    if one.impacts:
        found.append(told.impacts())
    return found


class _Told:
    """The prices of one template in the workspace's language."""

    def __init__(self, parts: Parts, one: Priced) -> None:
        self.one = one
        self.language = parts.workspace.settings.language
        self.currency = parts.workspace.settings.currency
        self.horizon = parts.workspace.review.horizon_days
        found = one.product.priced
        assert found is not None
        self.unit: Unit = found.unit

    def sheet(self, title: Words, columns: tuple[str, ...], rows: list[tuple[Any, ...]], **more: Any) -> Sheet:
        name = say(self.one.product.label, self.language)
        headings = {column: say(HEADINGS[column], self.language) for column in columns}
        return Sheet(f"{name} · {say(title, self.language)}", columns, tuple(rows), headings=headings, **more)

    def shown(self, value: float) -> str:
        return value_text(self.unit, value)

    def whose(self, group: str) -> str:
        return group or say(Words("全部", "everybody"), self.language)

    def ladder(self) -> Sheet:
        """Every group's price, why, and who grants it."""
        market, rungs = self.one.market, self.one.optimum.rungs
        rows = []
        for place, rung in enumerate(rungs):
            level = market.levels[rung.place]
            rows.append(
                (
                    self.whose(rung.group), int(market.customers[place]), int(market.counts.quoted[place].sum()),
                    int(market.counts.taken[place].sum()), self.shown(market.levels[market.listed]),
                    self.shown(level), self.shown(market.levels[rung.best]), rung.gain, rung.gain_low,
                    rung.gain_high, rung.chance, least_role(self.one.product, level).role,
                    say(WHY[rung.why], self.language),
                )
            )  # fmt: skip
        columns = (
            "group", "customers", "quoted", "taken", "listed", "price", "best", "gain", "low", "high", "chance", "role",
            "why",
        )  # fmt: skip
        formats = {**dict.fromkeys(("gain", "low", "high"), "+,.2f"), "chance": ".0%"}
        return self.sheet(Words("价格阶梯", "price ladder"), columns, rows, formats=formats, note=self._worth())

    def _worth(self) -> str:
        """What the ladder is worth against the list price: by the curves, and by customers not learnt from."""
        expected, low, high = self.one.optimum.gain
        trial, count = self.one.trial, int(self.one.market.customers.sum())
        interval = trial.interval
        tried = (
            Words("互验：数据不足", "tried on the other half: too few data")
            if interval is None or trial.gain is None
            else Words(
                f"互验（用一半学、另一半验）：每位客户 {trial.gain:+,.2f}"
                f"（{interval[0]:+,.2f} 至 {interval[1]:+,.2f}）",
                f"learnt on one half and tried on the other: {trial.gain:+,.2f} a customer "
                f"({interval[0]:+,.2f} to {interval[1]:+,.2f})",
            )
        )
        share = f"{INTERVAL:.0%}"
        return say(
            Words(
                f"{self.currency}，{self.horizon} 天贡献，区间 {share}。若 {count:,} 人都报价一次，"
                f"较牌价多 {expected:,.0f}（{low:,.0f} 至 {high:,.0f}）；{tried.zh}。",
                f"{self.currency} over {self.horizon} days, intervals of {share}. Quoted once to {count:,} customers "
                f"it brings {expected:,.0f} more than the list price ({low:,.0f} to {high:,.0f}); {tried.en}.",
            ),
            self.language,
        )

    def curve(self) -> Sheet:
        """Take-up and contribution by group and level."""
        columns = (
            "group", "price", "quoted", "taken", "take_up", "low", "high", "margin", "contribution", "role", "mark",
        )  # fmt: skip
        rows = []
        for row in curve_rows(self.one):
            shown = {**row, "group": self.whose(row["group"]), "price": row["shown"], "mark": self._mark(row)}
            rows.append(tuple(shown[name] for name in columns))
        formats = {**dict.fromkeys(("take_up", "low", "high"), ".2%"), "margin": ",.0f", "contribution": ",.2f"}
        note = Words(
            "接受率：报价后按期成交的客户占比；价格越优，曲线只升不降。",
            f"take-up: share of those quoted who take it up within {self.one.product.pricing.window_days} days; a "
            "better price never lowers the curve.",
        )
        return self.sheet(
            Words("响应曲线", "response curve"), columns, rows, formats=formats, note=say(note, self.language)
        )

    def _mark(self, row: Mapping[str, Any]) -> str:
        marks = [("chosen", Words("定价", "price")), ("listed", Words("牌价", "list"))]
        return ", ".join(say(words, self.language) for name, words in marks if row[name])

    def authority(self) -> Sheet:
        """How far each role may go."""
        product, levels = self.one.product, self.one.market.levels
        rows = []
        for role in product.pricing.authority:
            may = [self.shown(level) for level in levels if may_grant(product, role, level)]
            rows.append((role.role, say(role.label, self.language), self.shown(role.limit), ", ".join(may)))
        granted = product.pricing.granted_by
        note = Words(
            f"阶梯本身不超过 {granted} 的权限；更优的价格须由表中角色批准。",
            f"The ladder itself stays within what {granted} may grant; a better price needs the role named here.",
        )
        columns = ("role", "label", "limit", "levels")
        return self.sheet(Words("授权", "authority"), columns, rows, note=say(note, self.language))

    def differences(self) -> Sheet:
        """Why groups pay differently."""
        rows: list[tuple[Any, ...]] = [
            (one.group, one.other, self._gap(one.gap), one.chance, say(one.reason, self.language))
            for one in self.one.differences
        ]
        columns = ("group", "other", "gap", "chance", "reason")
        return self.sheet(Words("客群差异", "differences"), columns, rows, formats={"chance": ".0%"})

    def impacts(self) -> Sheet:
        """What the ladder means for those whom the law protects."""
        rows: list[tuple[Any, ...]] = [
            (one.attribute, one.value, one.customers, self._mean(one.price), self._gap(one.beyond))
            for one in self.one.impacts
        ]
        note = Words(
            "分组未使用这些属性；此处只看结果。",
            "No group uses these attributes; this is what comes of it all the same.",
        )
        columns = ("attribute", "value", "customers", "mean", "beyond")
        return self.sheet(Words("公平性", "fairness"), columns, rows, note=say(note, self.language))

    def _mean(self, value: float) -> str:
        return f"{value:.3%}" if self.unit is Unit.RATE else f"{value:,.2f}"

    def _gap(self, value: float) -> str:
        return f"{value:+.3%}" if self.unit is Unit.RATE else f"{value:+,.2f}"

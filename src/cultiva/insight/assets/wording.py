"""What an adviser reads about a customer's assets, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cultiva.definitions.portfolios import RATINGS, UNRATED, model_key
from cultiva.definitions.workspace import Workspace
from cultiva.insight.assets.advice import Advice, BucketLine, Proposal, Reason, Risk, Standing
from cultiva.kit.money import show_money
from cultiva.kit.words import Words, say

RATING_NAMES = {
    "C1": Words("保守型", "cautious"),
    "C2": Words("谨慎型", "careful"),
    "C3": Words("稳健型", "balanced"),
    "C4": Words("积极型", "growth"),
    "C5": Words("进取型", "bold"),
}
"""What people call the ratings."""
SAME_SHARE = 0.0005
"""Smaller changes of a rate are not worth a sentence."""


@dataclass(frozen=True)
class Wording:
    """Says an advice in the workspace's terms."""

    workspace: Workspace
    language: str

    def told(self, zh: str, en: str) -> str:
        """The text in the language."""
        return say(Words(zh, en), self.language)

    def bucket(self, name: str) -> str:
        """A bucket's label."""
        portfolios = self.workspace.portfolios
        assert portfolios is not None, "advice comes from model portfolios"
        return say(getattr(portfolios.buckets, name).label, self.language)

    def offer(self, name: str) -> str:
        """An offer's label with its risk level."""
        offer = self.workspace.offers[name]
        label = say(offer.label, self.language)
        return f"{label} ({offer.risk_level})" if offer.risk_level else label

    def model(self, found: Advice) -> str:
        """The model portfolio's name: rating and age band."""
        portfolios = self.workspace.portfolios
        assert portfolios is not None, "advice comes from model portfolios"
        if found.model == UNRATED:
            return self.told("审慎默认组合", "cautious default")
        keys = {
            model_key(rating, band): (rating, band) for rating in RATINGS for band in portfolios.age_bands or (None,)
        }
        rating, band = keys[found.model]
        named = f"{rating} {say(RATING_NAMES[rating], self.language)}"
        return named if band is None else f"{named} · {say(band.label, self.language)}"

    def standing(self, found: Advice) -> str:
        """What suitability stands on, and what follows."""
        policy = self.workspace.policy
        until = None if found.rated_on is None else found.rated_on + timedelta(days=policy.rating_valid_days)
        sentences = {
            Standing.VALID: self.told(
                f"风险评级 {found.rating}，有效至 {until}；可推荐产品风险等级不高于 R{found.level}。",
                f"Risk rating {found.rating}, valid until {until}: products up to R{found.level} may be proposed.",
            ),
            Standing.MISSING: self.told(
                "尚无风险评级：先做风险测评；在此之前按审慎默认组合，不推荐有风险等级的产品。",
                "No risk rating: take it first. Until then the cautious default holds, no rated product is proposed.",
            ),
            Standing.EXPIRED: self.told(
                f"风险评级 {found.rating} 已于 {until} 到期：先重新测评；"
                "在此之前按审慎默认组合，不推荐有风险等级的产品。",
                f"Risk rating {found.rating} expired on {until}: renew it first. Until then the cautious default holds "
                "and no rated product is proposed.",
            ),
            Standing.NOT_YET: self.told(
                f"风险评级日期 {found.rated_on} 晚于业务日期：先核实；在此之前按审慎默认组合。",
                f"The risk rating is dated {found.rated_on}, after the business date: clear this first. "
                "Until then the cautious default holds.",
            ),
            Standing.NO_AGE: self.told(
                "出生日期未知：先补全客户资料；在此之前按审慎默认组合，不推荐有风险等级的产品。",
                "The birth date is not known: complete the record first. Until then the cautious default holds.",
            ),
            Standing.TOO_OLD: self.told(
                f"客户 {found.age} 岁，超过 {policy.suitability_age_max} 岁：投资产品须二次确认，"
                "本页不推荐有风险等级的产品。",
                f"The customer is {found.age}, above {policy.suitability_age_max}: an investment needs a second "
                "confirmation, so no rated product is proposed here.",
            ),
            Standing.NO_MODEL: self.told(
                f"评级 {found.rating} 没有对应的模型组合，按审慎默认组合。",
                f"There is no model portfolio for {found.rating}: the cautious default holds.",
            ),
        }
        return sentences[found.standing]

    def notes(self, found: Advice) -> Iterator[str]:
        """Suitability and needs, one sentence each."""
        yield self.standing(found)
        yield from self._needs(found)
        yield from self._sources(found)
        for line in found.lines:
            if not line.is_open:
                yield self._closed(found, line)
            elif found.passed_over.get(line.bucket):
                yield self._passed_over(found, line)

    def _needs(self, found: Advice) -> Iterator[str]:
        if found.cash_need > found.reserve:
            missing = show_money(found.cash_need - found.reserve)
            yield self.told(
                f"备用金需求 {show_money(found.cash_need)} 高于可动用资产，尚缺 {missing}：先积累活钱，再谈投资。",
                f"Daily life needs {show_money(found.cash_need)} within reach, {missing} more than there is: "
                "save before anything is invested.",
            )
        elif found.reserve > 0:
            yield self.told(
                f"已先为日常生活预留 {show_money(found.reserve)}，其余再按模型配置。",
                f"{show_money(found.reserve)} stays liquid for daily life; the model divides what is left.",
            )

    def _sources(self, found: Advice) -> Iterator[str]:
        """Where the money for the proposals comes from."""
        above = [(self.bucket(line.bucket), -line.gap) for line in found.lines if line.gap < 0]
        if found.proposals and above:
            named = self.told("、", ", ").join(f"{name} {show_money(amount)}" for name, amount in above)
            yield self.told(
                f"资金来自超出模型的部分：{named}；先确认到期日和赎回条件。",
                f"The money comes from what is above the model: {named}. Look at terms and exit charges first.",
            )

    def _closed(self, found: Advice, line: BucketLine) -> str:
        portfolios = self.workspace.portfolios
        assert portfolios is not None, "advice comes from model portfolios"
        level = getattr(portfolios.buckets, line.bucket).risk_level
        name = self.bucket(line.bucket)
        if not found.level and line.held <= line.target:
            return self.told(
                f"{name}（{level} 起）须有有效的风险评级：不推荐。",
                f"{name} begins at {level} and needs a valid risk rating: nothing is proposed.",
            )
        if line.held > line.target:
            return self.told(
                f"{name}（{level} 起）高于客户可承受等级：现持有 {show_money(line.held)}，"
                "与客户确认是否调低，不再增加。",
                f"{name} begins at {level}, above what the customer is rated for: {show_money(line.held)} is held. "
                "Talk about reducing it, add nothing.",
            )
        return self.told(
            f"{name}（{level} 起）高于客户可承受等级：不推荐。",
            f"{name} begins at {level}, above what the customer is rated for: nothing is proposed.",
        )

    def _passed_over(self, found: Advice, line: BucketLine) -> str:
        reasons = {
            Reason.UNSUITABLE: self.told("不适当", "not suitable"),
            Reason.NOT_ELIGIBLE: self.told("不符合产品条件", "not eligible"),
        }
        gap = self.told("、", ", ").join(
            f"{self.offer(one.offer)} {reasons[one.reason]}" for one in found.passed_over[line.bucket]
        )
        return self.told(
            f"{self.bucket(line.bucket)}未推荐：{gap}。", f"{self.bucket(line.bucket)}, passed over: {gap}."
        )

    def change(self, found: Advice, proposal: Proposal) -> str:
        """What a proposal changes for the customer, in words."""
        if proposal.bucket == "protection" and found.protection_need > 0:
            return self._cover(found)
        return self.told(
            f"整体预期年收益 {self.rates(found.now.expected_return, proposal.after.expected_return)}，"
            f"年波动 {self.rates(found.now.volatility, proposal.after.volatility)}。",
            f"Whole mix: expected return {self.rates(found.now.expected_return, proposal.after.expected_return)}, "
            f"yearly swing {self.rates(found.now.volatility, proposal.after.volatility)}.",
        )

    def _cover(self, found: Advice) -> str:
        need = show_money(found.protection_need)
        target = next(line.target for line in found.lines if line.bucket == "protection")
        if target < found.protection_need:
            return self.told(
                f"按收入与贷款测算应有保障 {need}；先做到 {show_money(target)}，不挤占其他需要。",
                f"Income and loans call for {need}; {show_money(target)} is what the rest can spare for now.",
            )
        return self.told(
            f"按收入与贷款测算应有保障 {need}，补上缺口，家庭收入中断时有依靠。",
            f"Income and loans call for {need}; it is there when income fails.",
        )

    def rates(self, now: float, then: float) -> str:
        """A rate that changes."""
        return f"{now:.1%}" if abs(now - then) < SAME_SHARE else f"{now:.1%} → {then:.1%}"

    def meaning(self, risk: Risk, assets: Decimal) -> str:
        """What a mix means in money: a good and a bad year, one standard deviation from the assumed return."""
        low, high = (float(assets) * (risk.expected_return + sign * risk.volatility) for sign in (-1, 1))
        return self.told(
            f"三分之二的年份，一年盈亏在 {low:+,.0f} 与 {high:+,.0f} 之间",
            f"two years in three bring between {low:+,.0f} and {high:+,.0f}",
        )

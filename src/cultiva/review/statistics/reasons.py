"""Why a statistic cannot be stated, or not in the usual way: sentences in both languages."""

from __future__ import annotations

from cultiva.kit.words import Words

NONE = Words("", "")
"""Nothing to say: the number stands as usual."""
SAME_VALUE = Words(
    "所有客户取值相同，无从度量不确定性",
    "all customers have the same value, so there is nothing to measure the uncertainty by",
)
NOBODY_SAYS_WHO_WAS_REACHED = Words("没有记录谁被实际触达", "nothing says who was reached")
FEW_REACHED = Words("实际触达者太少，区间没有两端", "too few were reached for an interval with two ends")
OTHER_GROUPS = Words("本组没有自己的数据：取其他组的均值", "no data of its own: the mean of the other groups")
FEW_EVENTS = Words(
    "发生的客户很少：用 Newcombe 区间，不用协变量", "few customers did it: Newcombe's interval, no covariate"
)
NO_DAY = Words("尚未过去一天", "no day has passed yet")
NOBODY_ENROLLED = Words("没有人入组", "nobody is enrolled")
FEW_CUSTOMERS = Words("一边不足两位客户", "fewer than two customers in an arm")
SAME_COVARIATE = Words("所有客户的协变量相同", "the covariate is the same for all customers")
EMPTY_ARM = Words("一边没有人", "an arm is empty")
NO_PROMISE = Words("没有约定对照组占比", "no share of control was promised")
SAME_METRIC = Words("所有客户的指标相同", "the metric is the same for all customers")
ALL_EXPLAINED = Words("协变量不可能解释一切", "the covariate cannot explain everything")
ZERO_EFFECT = Words("零效果永远测不出", "an effect of zero is never seen")
FEW_WEEKS = Words("可测的周数不足三周", "fewer than three weeks can be measured")
NO_ERROR = Words("两个效果之一没有标准误", "one of the two effects has no standard error")


def _arm(name: str) -> str:
    return {"treated": "可触达组", "control": "对照组"}[name]


def nobody(arm: str) -> Words:
    """No customer in an arm (treated or control)."""
    verb = {"treated": "touched", "control": "left alone"}[arm]
    return Words(f"没有{_arm(arm)}：无人在内，或无人有值", f"no {arm} group: nobody was {verb}, or nobody has a value")


def only_one(arm: str) -> Words:
    """One customer in an arm."""
    return Words(f"{_arm(arm)}只有一位客户", f"only one customer in the {arm} group")


def nothing_below(arm: str) -> Words:
    """A ratio without anything to divide by."""
    return Words(f"{_arm(arm)}的分母为零", f"the denominator is zero in the {arm} group")


def few_clusters(seen: int, needed: int) -> Words:
    """Too few advisers or branches."""
    return Words(
        f"一边只有 {seen} 个群组，至少需要 {needed} 个", f"only {seen} clusters in an arm, at least {needed} are needed"
    )


def more_clusters(there_are: int) -> Words:
    """Whole clusters differ so much that more customers in each of them do not help."""
    return Words(
        f"{there_are:,} 个群组之间差异太大，再多客户也测不出，需要更多群组",
        f"{there_are:,} clusters differ too much: no number of customers shows it, more clusters would",
    )


def few_more_reached(share: float) -> Words:
    """The strategy reached hardly anybody."""
    return Words(
        f"实际触达者只比没有策略时多 {share:.1%}", f"only {share:.1%} more were reached than without the strategy"
    )


def few_groups(known: int, of: int) -> Words:
    """Groups cannot be compared."""
    return Words(f"{of} 组中有 {known} 组可测，至少需要两组", f"{known} of {of} groups can be measured, two are needed")


def early(fewest: int) -> Words:
    """A sequence says nothing yet."""
    return Words(f"一边不足 {fewest} 位客户：为时尚早", f"fewer than {fewest} customers in an arm: too early")


def nothing_to_compare(share: float) -> Words:
    """A share of control of 0 or 1, of an experiment that runs."""
    return Words(f"对照组占比 {share:g}，无从比较", f"a share of control of {share:g} leaves nothing to compare")


def nobody_to_compare(share: float) -> Words:
    """A share of control of 0 or 1, of an experiment that is planned."""
    return Words(
        f"对照组占比 {share:g}，没有可比的人", f"a share of control of {share:g} leaves nobody to compare with"
    )


def too_long(customers: int, weeks: int, weeks_max: int) -> Words:
    """It takes longer than anybody wants to wait."""
    return Words(
        f"需要 {customers:,} 位客户，即 {weeks:,} 周，超过 {weeks_max} 周",
        f"{customers:,} customers take {weeks:,} weeks, more than {weeks_max}",
    )


def too_few(customers: int, there_are: int) -> Words:
    """There are not so many customers."""
    return Words(
        f"需要 {customers:,} 位客户，总共只有 {there_are:,} 位",
        f"{customers:,} customers are needed, and there are {there_are:,} in all",
    )

"""What only live decisions have to say, in both languages; the rest is said by `strategy.words`."""

from __future__ import annotations

from cultiva.contracts.decision import Decision, Fate
from cultiva.definitions.base import Label
from cultiva.definitions.workspace import Workspace
from cultiva.strategy.live.impressions import CONVERTED, DISMISSED
from cultiva.strategy.live.service import Degraded
from cultiva.strategy.words import sentence

SHOWN_ENOUGH = {
    "placement_frequency": Label(zh="本位置近期展示已达上限", en="shown enough in this slot lately"),
    "strategy_frequency": Label(zh="本策略近期展示已达上限", en="this strategy was shown enough here lately"),
    "offer_frequency": Label(zh="该权益/产品近期展示已达上限", en="this offer was shown enough here lately"),
    DISMISSED: Label(zh="客户近期关闭过本策略的展示", en="the customer has dismissed this strategy lately"),
    CONVERTED: Label(zh="客户近期已办理", en="the customer has taken it up lately"),
}
"""Why a slot does not show something again."""
DEGRADED = {
    Degraded.NO_MODEL: Label(
        zh="尚无模型，价值取自先验或回检", en="no model yet: worth is a prior, or what review found"
    ),
    Degraded.NO_PROFILE: Label(zh="无客户画像，给出中性答复", en="nothing is known of the customer: a neutral answer"),
    Degraded.STALE_PROFILE: Label(zh="画像过旧", en="what is known of the customer is too old"),
    Degraded.STORE_DOWN: Label(
        zh="无法核实授权、投诉与触达上限", en="consent, complaints and caps cannot be looked up"
    ),
    Degraded.HOT_DOWN: Label(zh="实时画像库无应答", en="the hot store does not answer"),
    Degraded.UNRECORDED: Label(zh="无法留痕，因此不做决策", en="the decision could not be recorded, so none was made"),
}
"""What people read for each."""


def told(decision: Decision, workspace: Workspace, *, language: str) -> str:
    """Why a candidate was chosen or lost, in one sentence.

    Args:
        decision: As `LiveDesk.decision` gives it.
        workspace: For labels and limits.
        language: `zh` or `en`.
    """
    shown = SHOWN_ENOUGH.get(decision.decided_by or "") if decision.fate is Fate.CAPPED else None
    if shown is not None:
        return f"{shown.zh}：{decision.offer}" if language == "zh" else f"{shown.en}: {decision.offer}"
    return sentence(decision, workspace, language=language)

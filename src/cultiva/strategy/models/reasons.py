"""Reasons: the three features that moved a customer's effect most, as data and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.contracts.types import DataType
from cultiva.definitions.workspace import Workspace
from cultiva.kit.words import Words
from cultiva.strategy.models.boosting import Numbers
from cultiva.strategy.models.effect import EffectModel
from cultiva.strategy.models.features import column_of
from cultiva.strategy.models.foresight import contributions

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 3
LEAST_MONEY = 0.005
"""Less than this is nothing that anybody would call a reason."""
ACTIONS = {
    "of_strategy": Words("策略", "strategy"),
    "of_offer": Words("产品", "offer"),
    "of_channel": Words("渠道", "channel"),
    "of_offer_kind": Words("产品类型", "kind of offer"),
    "of_offer_category": Words("产品类别", "category of offer"),
}


def reasons_of(model: EffectModel, rows: Numbers, table: pa.Table, *, threads: int = 1) -> list[str | None]:
    """Up to three reasons per row, the strongest first, as JSON: tag, value, direction, money.

    The money is what the feature adds to the effect of this customer, beside the same trees without knowing it
    (TreeSHAP: Lundberg et al. 2020).

    Args:
        model: The model of effect.
        rows: Shape (n, features).
        table: The same rows with their values.
        threads: Threads of the trees.
    """
    if not model.parts:
        return [None] * len(rows)
    names = model.encoding.names
    added = sum(
        (weight * contributions(text, rows, threads=threads)[:, :-1] for text, weight in model.parts),
        np.zeros((len(rows), len(names))),
    )
    order = np.argsort(-np.abs(added), axis=1, kind="stable")[:, :MOST]
    columns = {place: table[column_of(names[place])] for place in np.unique(order)}
    found: list[str | None] = []
    for row in range(len(rows)):
        said = [_reason(names[place], columns[place][row].as_py(), float(added[row, place])) for place in order[row]]
        kept = [one for one in said if abs(one["money"]) >= LEAST_MONEY]
        found.append(json.dumps(kept, ensure_ascii=False) if kept else None)
    return found


def _reason(name: str, value: Any, money: float) -> dict[str, Any]:
    plain = round(value, 6) if isinstance(value, float) else value
    return {"tag": name, "value": plain, "direction": "up" if money > 0 else "down", "money": round(money, 2)}


def in_words(reasons: str | None, workspace: Workspace) -> tuple[Words, ...]:
    """Reasons as people read them.

    Args:
        reasons: As scoring writes them.
        workspace: Labels and units of its tags.
    """
    return tuple(_worded(one, workspace) for one in json.loads(reasons or "[]"))


def _worded(reason: Mapping[str, Any], workspace: Workspace) -> Words:
    label, known = _label(reason["tag"], workspace), _known(reason["tag"], reason["value"], workspace)
    zh, en = ("提高", "raises") if reason["direction"] == "up" else ("降低", "lowers")
    money, currency = abs(reason["money"]), workspace.settings.currency
    return Words(
        f"{label.zh}{known.zh}：{zh}效果 {money:,.2f} {currency}",
        f"{label.en} {known.en}: {en} the effect by {money:,.2f} {currency}",
    )


def _label(name: str, workspace: Workspace) -> Words:
    if name in ACTIONS:
        return ACTIONS[name]
    tag = workspace.tags.get(name)
    return Words(tag.label.zh, tag.label.en) if tag else Words(name, name)


def _known(name: str, value: Any, workspace: Workspace) -> Words:
    """What is known, as a tag's type wants it: a date is the days since it, true and false are yes and no."""
    tag = workspace.tags.get(name)
    kind, unit = (tag.type, tag.unit) if tag else (None, "")
    if value is None:
        return Words("未知", "is unknown")
    if kind is DataType.BOOLEAN:
        return Words("：是", "is yes") if value else Words("：否", "is no")
    if kind in (DataType.DATE, DataType.TIMESTAMP):
        return Words(f"距今 {value:,.0f} 天", f"was {value:,.0f} days ago")
    if isinstance(value, int | float):
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
        return Words(f"为 {text}{unit}", f"is {text}{f' {unit}' if unit else ''}")
    return Words(f"为 {value}", f"is {value}")

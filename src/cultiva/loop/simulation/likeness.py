"""Likeness: the mix of customers with which a simulated bank is most like a bank that was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import nnls

from cultiva.definitions.loading import load_workspace
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.loop.simulation.portrait import MONTHS, Measure, Portrait, measures, portrait
from cultiva.simbank.arrays import Floats
from cultiva.simbank.mix import USUAL, Mix
from cultiva.simbank.typical import draw_typical

DRAWN = 12_000
"""Customers drawn in a round; enough of every archetype."""
ROUNDS = 4
"""Wealth, income and shares depend on each other a little; after so many rounds they do not move any more."""
SHARE_MIN = 0.02
"""Share of an archetype among those drawn, so that it is known what it is like."""
USUAL_WEIGHT = 0.01
"""Weight of the distance (chi-square, which is what entropy is for small ones) from the usual shares."""
FACTOR_MIN, FACTOR_MAX = 1e-4, 1e5
TRANSACTIONS_MIN, TRANSACTIONS_MAX = 5.0, 400.0
"""Movements per customer in the history, beyond which a simulated bank does not go."""
_SEED = 12
_FIRMLY = 100.0
"""Weight of the equation that shares add up to 1."""


@dataclass(frozen=True)
class Likeness:
    """A bank as it was measured, and the mix that is like it."""

    own: Portrait
    mix: Mix


def fitted(own: Portrait) -> Mix:
    """The mix that is most like a portrait; what the portrait does not know stays as usual."""
    mix = USUAL
    for _ in range(ROUNDS):
        drawn_shares = np.maximum(mix.shares, SHARE_MIN)
        drawn_shares /= drawn_shares.sum()
        drawn = _draw(replace(mix, shares=tuple(drawn_shares)), own.on)
        weight = (np.array(mix.shares) / drawn_shares)[drawn["archetype"].to_numpy()]
        wealth = _ratio(own.aum, _weighted_median(drawn, "aum", weight, persons=False))
        shares = _shares(own, drawn.with_columns(pl.col("aum") * wealth))
        weight = (shares / drawn_shares)[drawn["archetype"].to_numpy()]
        wealth = _ratio(own.aum, _weighted_median(drawn, "aum", weight, persons=False))
        monthly = _weighted_median(drawn, "inflow", weight, persons=True) / MONTHS
        moved = _moved(drawn, weight) / MONTHS
        mix = Mix(
            shares=tuple(shares.tolist()),
            wealth=float(np.clip(mix.wealth * wealth, FACTOR_MIN, FACTOR_MAX)),
            income=float(np.clip(mix.income * _ratio(own.inflow, monthly), FACTOR_MIN, FACTOR_MAX)),
            transactions=float(
                np.clip(mix.transactions * _ratio(own.transactions, moved), TRANSACTIONS_MIN, TRANSACTIONS_MAX)
            ),
        )
    return mix


def _draw(mix: Mix, on: date) -> pl.DataFrame:
    drawn = pl.DataFrame(draw_typical(mix, customers=DRAWN, first_day=on, seed=_SEED))
    return drawn.with_columns(pl.col("age", "tenure").fill_nan(None))


def _moved(drawn: pl.DataFrame, weight: Floats) -> float:
    """Movements per customer with an open account; a bank's average over all does not depend on its mix."""
    moved, is_open = drawn["transactions"].to_numpy(), drawn["open"].to_numpy()
    among = float(np.average(moved, weights=weight * is_open))
    return among * float(moved.mean()) / max(float(np.average(moved, weights=weight)), 1e-9)


def _ratio(own: float | None, drawn: float) -> float:
    return own / drawn if own is not None and own > 0 and drawn > 0 else 1.0


def _weighted_median(drawn: pl.DataFrame, column: str, weight: Floats, *, persons: bool) -> float:
    values = drawn[column].to_numpy()
    counts = (values > 0) & ~(drawn["organisation"].to_numpy() & persons)
    order = np.argsort(values[counts])
    heights = np.cumsum(weight[counts][order])
    if not heights.size or heights[-1] <= 0:
        return 0.0
    return float(values[counts][order][np.searchsorted(heights, heights[-1] / 2)])


def _shares(own: Portrait, drawn: pl.DataFrame) -> Floats:
    """Non-negative least squares: measured shares hit as well as may be, without leaving the usual ones needlessly."""
    asked = [one for one in measures(own.aum) if one.name in own.shares]
    usual = np.array(USUAL.shares)
    rows, aims = [np.sqrt(USUAL_WEIGHT / usual) * np.eye(usual.size)], [np.sqrt(USUAL_WEIGHT * usual)]
    for one in asked:
        rows.append(_equation(one, own.shares[one.name], drawn)[None, :])
        aims.append(np.zeros(1))
    rows.append(np.full((1, usual.size), _FIRMLY))
    aims.append(np.array([_FIRMLY]))
    found, _ = nnls(np.vstack(rows), np.concatenate(aims))
    shares: Floats = found / found.sum()
    return shares


def _equation(one: Measure, aim: float, drawn: pl.DataFrame) -> Floats:
    """By archetype: how far it is beyond the aim, in units of the spread of a share, shape (archetypes,)."""
    beyond = drawn.select(
        "archetype",
        beyond=(one.of & one.among).fill_null(value=False).cast(pl.Float64) - aim * one.among.cast(pl.Float64),
    )
    means = beyond.group_by("archetype").agg(pl.col("beyond").mean())
    found = np.zeros(len(USUAL.shares))
    found[means["archetype"].to_numpy()] = means["beyond"].to_numpy()
    return found / np.sqrt(aim * (1 - aim) + 0.02)


def has_lake(root: Path) -> bool:
    """Whether a workspace may have been run; asking makes nothing, where opening makes a store."""
    return (root / load_workspace(root).settings.lake.path).is_dir()


def likeness(parts: Parts) -> Likeness | None:
    """A workspace's own bank on the date of its newest profile; None: it has none."""
    newest = parts.store.snapshots.latest("profile")
    if newest is None or not parts.lake.files_current("customer", newest.business_date):
        return None
    own = portrait(parts, newest.business_date)
    return Likeness(own, fitted(own)) if own.customers else None


def write_likeness(path: Path, found: Likeness | None) -> None:
    """Keeps it beside the flight, which goes on with the same bank whatever the workspace has become."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps(None if found is None else asdict(found), default=str, indent=1), encoding="utf-8")
    beside.replace(path)


def read_likeness(path: Path) -> Likeness | None:
    """What was kept."""
    told: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8"))
    if told is None:
        return None
    own = Portrait(**{**told["own"], "on": date.fromisoformat(told["own"]["on"])})
    return Likeness(own, Mix(**{**told["mix"], "shares": tuple(told["mix"]["shares"])}))


def likeness_sheet(own: Portrait, simulated: Portrait, stages: Mapping[str, str], language: str) -> Sheet:
    """How alike the simulated bank is: shares, medians and stages beside each other.

    Args:
        own: The workspace's bank.
        simulated: The simulated one on its first day.
        stages: Labels of the lifecycle stages.
        language: zh or en.
    """
    rows: list[tuple[str, ...]] = []
    shares = {say(one.words, language): one.name for one in measures(own.aum) if one.name in own.shares}
    pairs = [(label, own.shares[name], simulated.shares.get(name, 0.0)) for label, name in shares.items()]
    stage = say(Words("阶段：", "stage: "), language)
    pairs += [
        (f"{stage}{stages.get(name, name)}", own.stages.get(name, 0.0), simulated.stages.get(name, 0.0))
        for name in stages
    ]
    rows += [(label, f"{mine:.1%}", f"{theirs:.1%}", f"{100 * (theirs - mine):+.1f}") for label, mine, theirs in pairs]
    for words, mine, theirs in (
        (Words("资产中位数", "median assets"), own.aum, simulated.aum),
        (Words("月流入中位数（个人）", "median money in per month, persons"), own.inflow, simulated.inflow),
        (
            Words("每位有户客户每月交易笔数", "movements per open customer and month"),
            own.transactions,
            simulated.transactions,
        ),
    ):
        if mine and theirs is not None:
            rows.append((say(words, language), f"{mine:,.1f}", f"{theirs:,.1f}", f"{theirs / mine - 1:+.1%}"))
    apart = sum(abs(theirs - mine) for _, mine, theirs in pairs) / max(len(pairs), 1)
    columns = ("measure", "own", "simulated", "difference")
    headings = (
        Words("指标", "measure"), Words("本行", "own bank"), Words("模拟银行", "simulated bank"),
        Words("差异（百分点；金额为 %）", "difference (points; money in %)"),
    )  # fmt: skip
    note = Words(
        f"本行 {own.on}：{own.customers:,} 位客户；模拟银行 {simulated.customers:,} 位。"
        f"占比平均相差 {100 * apart:.1f} 个百分点。",
        f"own bank on {own.on}: {own.customers:,} customers, simulated: {simulated.customers:,}; "
        f"shares differ by {100 * apart:.1f} points on average.",
    )
    title = say(Words("模拟银行与本行的相似度", "how alike the simulated bank is"), language)
    named = dict(zip(columns, (say(one, language) for one in headings), strict=True))
    return Sheet(title, columns, tuple(rows), headings=named, note=say(note, language))

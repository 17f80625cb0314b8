"""A flight in words, tables and pictures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cultiva.contracts.readout import Verdict
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.simulation.forecast import Outlook, Volume, forecast_sheet
from cultiva.loop.simulation.page import flight_page
from cultiva.loop.simulation.scoring import Comparison, WeekTruth
from cultiva.loop.simulation.setup import Policy
from cultiva.review.design import PROGRAMME
from cultiva.review.wording import VERDICTS


@dataclass(frozen=True)
class Scored:
    """One flight and what it was truly worth."""

    world: str
    policy: Policy
    customers: int
    proposals: int
    """Touches that were asked for."""
    weeks: tuple[WeekTruth, ...]
    strategies: tuple[Comparison, ...]
    """The readouts at the end beside the truth; the whole programme first."""
    seed: int = 1
    """Of the simulated bank."""
    volumes: tuple[Volume, ...] = ()
    """What was asked for, by strategy and channel."""

    def outlooks(self) -> list[Outlook]:
        """What every strategy did and brought; the whole programme first."""
        return [self._outlook(row) for row in self.strategies]

    def _outlook(self, row: Comparison) -> Outlook:
        if row.strategy == PROGRAMME:
            sums, totals = self.sums(), Counter[str]()
            for one in self.volumes:
                totals[one.channel] += one.touches
            asked = tuple(Volume(PROGRAMME, channel, count) for channel, count in sorted(totals.items()))
            return Outlook(PROGRAMME, row.label, row.customers, sums["cost"], sums["incremental"], asked)
        asked = tuple(one for one in self.volumes if one.strategy == row.strategy)
        return Outlook(row.strategy, row.label, row.customers, row.cost, row.truth * row.customers, asked)

    def sums(self) -> dict[str, float]:
        """Over all weeks, beyond the same customers left alone."""
        incremental, cost = sum(one.incremental for one in self.weeks), sum(one.cost for one in self.weeks)
        return {
            "touches": sum(one.touches for one in self.weeks),
            "incremental": incremental,
            "cost": cost,
            "net": incremental - cost,
            "opt_outs": sum(one.opt_outs for one in self.weeks),
            "left": sum(one.left for one in self.weeks),
            "complaints": sum(one.complaints for one in self.weeks),
            "fatigue": sum(one.fatigue for one in self.weeks) / max(len(self.weeks), 1),
        }


def regret(one: Scored, among: Sequence[Scored], home: Path) -> float | None:
    """What the oracle's flight brought beyond this one, net; None where the oracle was not flown.

    Args:
        one: The flight.
        among: Flights of the same request.
        home: Where an earlier request may have left the oracle's flight.
    """
    best = next((other.sums()["net"] for other in among if other.policy is Policy.ORACLE), None)
    known = best if best is not None else _earlier_oracle(one, home)
    return None if known is None else known - one.sums()["net"]


def _earlier_oracle(one: Scored, home: Path) -> float | None:
    """Net of the oracle's flight over the same weeks of the same bank, if there is one."""
    for path in sorted((home / Policy.ORACLE.value).glob(f"workspace/reports/*/{FLIGHT}")):
        found = json.loads(path.read_text(encoding="utf-8"))
        same = (found["world"], found["customers"], found["seed"], len(found["weeks"]))
        if same == (one.world, one.customers, one.seed, len(one.weeks)):
            return float(found["net"])
    return None


FLIGHT = "flight.json"
"""Name of a flight's data beside its page."""


HEADINGS: Mapping[str, Words] = {
    "policy": Words("排序方式", "policy"),
    "touches": Words("触达", "touches"),
    "incremental": Words("真实增量", "true incremental"),
    "cost": Words("成本", "cost"),
    "net": Words("真实净增量", "true net"),
    "regret": Words("与先知之差", "regret"),
    "opt_outs": Words("多出的退订", "extra opt-outs"),
    "left": Words("多出的流失", "extra leavers"),
    "complaints": Words("多出的投诉", "extra complaints"),
    "fatigue": Words("疲劳度", "fatigue"),
    "strategy": Words("策略", "strategy"),
    "label": Words("名称", "label"),
    "customers": Words("可触达客户", "customers"),
    "effect": Words("回检：每位客户增量", "readout: effect per customer"),
    "low": Words("下限", "from"),
    "high": Words("上限", "to"),
    "truth": Words("真值", "truth"),
    "covers": Words("区间含真值", "interval holds it"),
    "verdict": Words("建议", "verdict"),
}
"""Columns as people read them."""


def _headings(columns: Sequence[str], language: str) -> dict[str, str]:
    return {name: say(HEADINGS[name], language) for name in columns}


def policies(scored: Sequence[Scored], home: Path, language: str) -> Sheet:
    """The policies beside each other, best first.

    Args:
        scored: Flights of one bank.
        home: Where flights of the bank lie.
        language: zh or en.
    """
    columns = ("policy", "touches", "incremental", "cost", "net", "regret", "opt_outs", "left", "complaints", "fatigue")
    ordered = sorted(scored, key=lambda one: -one.sums()["net"])
    rows = []
    for one in ordered:
        known = {**one.sums(), "policy": one.policy.value, "regret": regret(one, scored, home)}
        rows.append(tuple(known[name] for name in columns))
    title = say(Words(f"世界 {scored[0].world}：各排序方式", f"world {scored[0].world}: policies"), language)
    formats = {**dict.fromkeys(columns[1:], ",.0f"), "fatigue": ".2f"}
    return Sheet(title, columns, tuple(rows), headings=_headings(columns, language), formats=formats)


def forecasts(scored: Sequence[Scored], scale: float | None, language: str) -> list[Sheet]:
    """A sheet per strategy that touched anybody, over flights of one policy with several seeds."""
    by_strategy: dict[str, list[Outlook]] = {}
    for one in scored:
        for outlook in one.outlooks():
            by_strategy.setdefault(outlook.strategy, []).append(outlook)
    touching = [flights for flights in by_strategy.values() if any(one.volumes for one in flights)]
    weeks = len(scored[0].weeks)
    return [forecast_sheet(flights, weeks=weeks, scale=scale, language=language) for flights in touching]


def beside_truth(one: Scored, language: str) -> Sheet:
    """Claims of the readouts beside what only the simulated bank knows."""
    columns = ("strategy", "label", "customers", "effect", "low", "high", "truth", "covers", "cost", "verdict")
    rows = tuple(tuple(_shown(name, getattr(row, name), language) for name in columns) for row in one.strategies)
    known = [row.covers for row in one.strategies if row.covers is not None]
    title = say(Words("回检与真值", "readouts beside the truth"), language)
    note = say(
        Words(
            f"每位客户入组以来的贡献增量（元，未扣成本）；{len(known)} 个区间中 {sum(known)} 个包含真值。",
            f"money per customer since enrolment, before cost; {sum(known)} of {len(known)} intervals hold the truth.",
        ),
        language,
    )
    formats = {**dict.fromkeys(("effect", "low", "high", "truth"), "+,.2f"), "cost": ",.0f", "customers": ",d"}
    return Sheet(title, columns, rows, headings=_headings(columns, language), formats=formats, note=note)


def _shown(column: str, value: object, language: str) -> object:
    if column == "verdict":
        return say(VERDICTS[Verdict(str(value))], language)
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return value


def headlines(scored: Sequence[Scored], language: str) -> list[str]:
    """One sentence per flight."""
    return [say(_headline(one), language) for one in scored]


def _headline(one: Scored) -> Words:
    sums, weeks = one.sums(), len(one.weeks)
    claim = next((row for row in one.strategies if row.strategy == PROGRAMME), None)
    said = claim.effect * claim.customers if claim is not None and claim.effect is not None else None
    zh = f"；回检（全局对照）估计 {said:,.0f} 元" if said is not None else ""
    en = f"; the readout against the global holdout says {said:,.0f}" if said is not None else ""
    return Words(
        f"{one.policy.value}：{weeks} 周，{sums['touches']:,.0f} 次触达，真实增量 {sums['incremental']:,.0f} 元，"
        f"成本 {sums['cost']:,.0f} 元，净增量 {sums['net']:,.0f} 元{zh}",
        f"{one.policy.value}: {weeks} weeks, {sums['touches']:,.0f} touches, true incremental money "
        f"{sums['incremental']:,.0f}, cost {sums['cost']:,.0f}, net {sums['net']:,.0f}{en}",
    )


def write_flight(one: Scored, folder: Path, language: str) -> list[Path]:
    """Writes `flight.html` and `flight.json`: the weeks, and the claims beside the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps({**asdict(one), **one.sums()}, ensure_ascii=False, indent=1, default=str)
    (folder / FLIGHT).write_text(data, encoding="utf-8")
    page = folder / "flight.html"
    page.write_text(_page(one, language), encoding="utf-8")
    return [page]


def _page(one: Scored, language: str) -> str:
    name = f"{one.world} · {one.policy.value}"
    sheet, headline = beside_truth(one, language), say(_headline(one), language)
    return flight_page(name, headline, one.weeks, one.strategies, sheet, language=language)

"""The strategy map as tables: coverage, strategies, gaps, conflicts, overlaps, results; or one strategy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.map_words import CAPACITIES, RULE, SOURCES, STANDINGS, TEXTS, lately
from cultiva.loop.mapping import names_of, place_of
from cultiva.loop.parts import Parts
from cultiva.review.wording import VERDICTS
from cultiva.strategy.map.places import Cell, DrawnMap, RolledUp, StrategyPlace

GAPS_SHOWN = 15
PAIRS_SHOWN = 12
FORMATS = {
    **dict.fromkeys(("potential", "spent", "incremental", "cost", "net", "monthly", "budget"), ",.0f"),
    **dict.fromkeys(("covered", "touched_share", "first_share", "second_share", "budget_share", "holdout"), ".0%"),
    **dict.fromkeys(("effect", "low", "high"), "+,.2f"),
    "target": ",.2f",
}


def sheets(parts: Parts, drawn: DrawnMap, strategy: str | None = None) -> list[Sheet]:
    """The map as tables, of all strategies or of one."""
    told = MapTables(parts, drawn)
    if strategy is not None:
        return told.of_one(place_of(drawn, strategy))
    return [
        told.grid(),
        told.coverage(),
        told.strategies(),
        told.gaps(),
        told.conflicts(),
        told.overlaps(),
        told.rolled(),
    ]


class MapTables:
    """The map in the workspace's language."""

    def __init__(self, parts: Parts, drawn: DrawnMap) -> None:
        self.drawn = drawn
        self.language = parts.workspace.settings.language
        self.currency = parts.workspace.settings.currency
        self.name = parts.workspace.settings.name
        self.names: Mapping[str, str] = names_of(parts)

    def say(self, name: str) -> str:
        return say(TEXTS[name], self.language)

    def named(self, name: str) -> str:
        return self.names.get(name, name)

    def grid(self) -> Sheet:
        """Customers per cell and the share of them that some active strategy covers."""
        drawn = self.drawn
        head = f"{self.say('title')} · {self.name} · {drawn.on}" + (
            f" · {self.named(drawn.tier)}" if drawn.tier else ""
        )
        rows = []
        for group in drawn.axes.lines:
            found = [drawn.by_place[group, stage] for stage in drawn.axes.stages]
            rows.append((self.named(group), *(_covered(one) for one in found)))
        return Sheet(
            head,
            ("group", *drawn.axes.stages),
            tuple(rows),
            headings={"group": self.say("group"), **{stage: self.named(stage) for stage in drawn.axes.stages}},
            note=say(
                Words(
                    "客户数与至少一个策略名单覆盖的比例；○ 为空白格。",
                    "customers, and the share in the audience of at least one active strategy; ○: nobody is.",
                ),
                self.language,
            ),
        )

    def coverage(self) -> Sheet:
        columns = ("group", "customers", "potential", "covered", "touched", "contacts", "spent", "incremental", "cost")
        rolled = {one.name: one for one in self.drawn.rollups if one.dimension == "group"}
        rows = []
        for group, cell in self.drawn.by_group.items():
            one = rolled[group]
            share = cell.covered / cell.customers if cell.customers else None
            numbers = (cell.touched, one.contacts, one.spent, one.incremental, one.cost)
            rows.append((self.named(group), cell.customers, cell.potential, share, *numbers))
        note = f"{say(lately(self.drawn.days), self.language)}; {self.currency}"
        return self._sheet("coverage", columns, rows, note=note)

    def strategies(self) -> Sheet:
        columns = (
            "strategy", "label", "owner", "audience", "alone", "touched", "monthly", "budget", "budget_share",
            "objective", "target", "effect", "low", "high", "standing", "source", "incremental", "cost", "net",
            "verdict",
        )  # fmt: skip
        return self._sheet("strategies", columns, [self._strategy(one) for one in self.drawn.places])

    def _strategy(self, one: StrategyPlace) -> tuple[Any, ...]:
        aim = one.progress
        verdict = next((say(words, self.language) for key, words in VERDICTS.items() if key.value == one.verdict), "")
        return (
            one.strategy, say(one.label, self.language), one.owner, one.audience, one.alone, one.touched, one.monthly,
            one.budget, one.budget_share, self.named(aim.metric), aim.target, aim.effect, aim.low, aim.high,
            say(STANDINGS[aim.standing], self.language), say(SOURCES[aim.source], self.language), one.incremental,
            one.cost, one.net, verdict if one.active else self.say("draft"),
        )  # fmt: skip

    def gaps(self) -> Sheet:
        columns = ("group", "stage", "without", "of", "potential", "empty")
        rows = [
            (
                self.named(one.group),
                self.named(one.stage),
                one.customers,
                one.of,
                one.potential,
                "●" if one.empty else "",
            )
            for one in self.drawn.gaps
        ]
        return self._sheet("gaps", columns, rows, note=self.currency, most=GAPS_SHOWN)

    def conflicts(self, strategy: str | None = None) -> Sheet:
        columns = ("first", "second", "thing", "customers", "first_wins", "second_wins")
        rows = [
            (one.first, one.second, self.named(one.thing), one.customers, one.first_wins, one.second_wins)
            for one in self.drawn.conflicts
            if strategy in (None, one.first, one.second)
        ]
        return self._sheet("conflicts", columns, rows, most=PAIRS_SHOWN)

    def overlaps(self, strategy: str | None = None) -> Sheet:
        columns = ("first", "second", "both", "first_share", "second_share")
        rows = [
            (one.first, one.second, one.both, one.first_share, one.second_share)
            for one in self.drawn.overlaps
            if (strategy is None and not one.planned) or strategy in (one.first, one.second)
        ]
        return self._sheet("overlaps", columns, rows, most=PAIRS_SHOWN)

    def rolled(self) -> Sheet:
        columns = ("dimension", "name", "customers", "touched", "spent", "enrolled", "incremental", "cost", "net")
        rows: list[tuple[Any, ...]] = []
        if (whole := self.drawn.whole) is not None:
            rows.append((self.say("programme"), "", *[None] * 4, whole.incremental, whole.cost, whole.net))
        rows += [self._rolled(one) for one in self.drawn.rollups if one.dimension in ("all", "stage", "tier")]
        return self._sheet("rollup", columns, rows, note=say(RULE, self.language))

    def _rolled(self, one: RolledUp) -> tuple[Any, ...]:
        dimension = self.say("sum") if one.dimension == "all" else self.say(one.dimension)
        numbers = (one.customers, one.touched, one.spent, one.enrolled, one.incremental, one.cost, one.net)
        return (dimension, self.named(one.name), *numbers)

    def of_one(self, place: StrategyPlace) -> list[Sheet]:
        """One strategy: its definition as a place on the map, its cells, its neighbours."""
        title = f"{self.say('title')} · {say(place.label, self.language)} · {self.drawn.on}"
        facts = tuple(self._facts(place))
        columns = ("group", "stage", "audience", "of", "touched", "spent", "enrolled", "incremental", "cost")
        rows = list(self._cells(place.strategy))
        head = Sheet(title, ("what", "value"), facts, headings={name: self.say(name) for name in ("what", "value")})
        return [
            head,
            self._sheet("places", columns, rows, note=say(lately(self.drawn.days), self.language)),
            self.conflicts(place.strategy),
            self.overlaps(place.strategy),
        ]

    def _cells(self, strategy: str) -> Iterator[tuple[Any, ...]]:
        for (group, stage), cell in self.drawn.by_place.items():
            for one in cell.presences:
                if one.strategy == strategy:
                    numbers = (one.touched, one.spent, one.enrolled, one.incremental, one.cost)
                    yield (self.named(group), self.named(stage), one.audience, cell.customers, *numbers)

    def _facts(self, place: StrategyPlace) -> Iterator[tuple[str, str]]:
        aim, nothing = place.progress, self.say("none")
        target = f"{aim.target:,.2f}" if aim.target is not None else nothing
        sign = "+" if aim.direction == "increase" else "-"
        yield self.say("owner"), place.owner
        yield self.say("objective"), f"{self.named(aim.metric)} {sign}{target}"
        if aim.effect is not None:
            ends = " … ".join("" if end is None else f"{end:+,.2f}" for end in (aim.low, aim.high))
            yield self.say("effect"), f"{aim.effect:+,.2f} ({ends}; {say(SOURCES[aim.source], self.language)})"
        yield self.say("audience"), f"{place.audience:,} ({self.say('alone')} {place.alone:,})"
        yield self.say("groups"), ", ".join(f"{self.named(name)} {count:,}" for name, count in place.groups) or nothing
        yield self.say("stages"), self._listed(place.stages)
        yield self.say("tiers"), self._listed(place.tiers)
        yield self.say("offers"), self._listed(place.offers)
        yield self.say("channels"), self._listed(place.channels)
        yield self.say("capacity"), self._capacity(place) or nothing
        yield self.say("resources"), self._listed(place.resources) if place.resources else nothing
        yield self.say("budget"), f"{place.budget:,.0f} {self.currency}" if place.budget is not None else nothing
        yield self.say("monthly"), f"{place.monthly:,.0f} {self.currency}"
        yield self.say("holdout"), f"{place.holdout:.0%}"

    def _listed(self, names: Sequence[str]) -> str:
        return ", ".join(map(self.named, names)) or self.say("everywhere")

    def _capacity(self, place: StrategyPlace) -> str:
        if not place.capacity:
            return ""
        per = say(CAPACITIES[place.capacity], self.language)
        return per if place.contacts_max is None else f"{place.contacts_max:,} {per}"

    def _sheet(
        self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], *, note: str = "", most: int = 0
    ) -> Sheet:
        """A sheet, of its first rows only if `most` says so."""
        headings = {name: self.say(name) for name in columns}
        if 0 < most < len(rows):
            cut = Words(f"前 {most} 行，共 {len(rows)} 行", f"the first {most} of {len(rows)} rows")
            note = "; ".join(part for part in (say(cut, self.language), note) if part)
            rows = rows[:most]
        return Sheet(self.say(title), columns, tuple(rows), headings=headings, formats=FORMATS, note=note)


def _covered(cell: Cell) -> str:
    if not cell.customers:
        return ""
    return f"{cell.customers:,} ○" if cell.empty else f"{cell.customers:,} {cell.coverage}"

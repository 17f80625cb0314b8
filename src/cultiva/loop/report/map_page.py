"""The page of the strategy map: who is looked after, by what, where it clashes, who is left out, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from cultiva.kit.display import to_json
from cultiva.kit.sheet import Sheet
from cultiva.kit.words import say
from cultiva.loop.map_sheets import MapTables
from cultiva.loop.map_words import CAPACITIES, PAGE, RULE, SOURCES, STANDINGS, TEXTS, lately
from cultiva.loop.mapping import data, names_of
from cultiva.loop.parts import Parts
from cultiva.loop.report import map_pictures as pictures
from cultiva.loop.report.map_pictures import Lane, Square
from cultiva.loop.report.rendering import render
from cultiva.review.wording import VERDICTS
from cultiva.strategy.map.axes import EVERYBODY
from cultiva.strategy.map.places import Cell, DrawnMap, StrategyPlace, together

Address = Callable[[str, str, str], str]
"""Where a group, a stage and a tier, or a strategy alone, lead; empty: nowhere."""


def nowhere(_group: str, _stage: str, _tier: str) -> str:
    """No links."""
    return ""


@dataclass(frozen=True)
class MapFacts:
    """The map as people see it, in the workspace's language."""

    texts: Mapping[str, str]
    cards: Sequence[tuple[str, str]]
    """(number, what it is)."""
    pictures: Mapping[str, str]
    """SVG: stages, strategies, and tiers if there are several."""
    places: Sequence[Mapping[str, Any]]
    """Rows of strategies."""
    sheets: Sequence[Sheet]
    note: str
    rule: str


def map_facts(parts: Parts, drawn: DrawnMap, *, address: Address = nowhere) -> MapFacts:
    """Everything that a page of the map says.

    Args:
        parts: Of the workspace.
        drawn: The map.
        address: Where cells lead (group, stage, tier), and strategies (name, empty, empty).
    """
    language, names = parts.workspace.settings.language, names_of(parts)
    texts = {name: say(text, language) for name, text in (TEXTS | PAGE).items()}
    tables = MapTables(parts, drawn)
    return MapFacts(
        texts=texts,
        cards=_cards(parts, drawn, texts),
        pictures=_pictures(drawn, names, texts, address),
        places=[_place(one, names, texts, language) for one in drawn.places],
        sheets=[tables.gaps(), tables.conflicts(), tables.overlaps(), tables.coverage(), tables.rolled()],
        note=say(lately(drawn.days), language),
        rule=say(RULE, language),
    )


def write_map_page(parts: Parts, drawn: DrawnMap, file: Path) -> Path:
    """Writes the page, and beside it `<name>.json`, `<name>-stages.svg`, `<name>-tiers.svg`, `<name>-strategies.svg`.

    Args:
        parts: Of the workspace.
        drawn: The map.
        file: The page; its folder is made if absent.

    Returns:
        The page.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    language, facts = parts.workspace.settings.language, map_facts(parts, drawn)
    for name, picture in facts.pictures.items():
        file.with_name(f"{file.stem}-{name}.svg").write_text(picture, encoding="utf-8")
    html = render("map.html.j2",
        t=facts.texts, language=language, on=drawn.on, workspace=parts.workspace.settings.name,
        currency=parts.workspace.settings.currency, tier=names_of(parts).get(drawn.tier, drawn.tier),
        note=facts.note, rule=facts.rule, cards=facts.cards,
        pictures={name: Markup(picture) for name, picture in facts.pictures.items()},  # noqa: S704 our own SVG
        places=facts.places, sheets=facts.sheets,
    )  # fmt: skip
    file.write_text(html, encoding="utf-8")
    file.with_suffix(".json").write_text(to_json(data(parts, drawn)), encoding="utf-8")
    return file


def _pictures(drawn: DrawnMap, names: Mapping[str, str], texts: Mapping[str, str], address: Address) -> dict[str, str]:
    axes = drawn.axes
    lines = [names.get(group, group) for group in axes.lines]
    stages, tiers = ([names.get(name, name) for name in axis] for axis in (axes.stages, axes.tiers))
    by_stage = [[drawn.by_place[group, stage] for stage in axes.stages] for group in axes.lines]
    found = {
        "stages": pictures.grid(lines, stages, _squares(by_stage, names, texts, address)),
        "strategies": pictures.lanes(
            stages, [_lane(drawn, one, names, address) for one in drawn.places], (texts["strategy"], texts["owner"])
        ),
    }
    if len(tiers) > 1 and not drawn.tier:
        by_tier = [[_of_tier(drawn, group, tier) for tier in axes.tiers] for group in axes.lines]
        found["tiers"] = pictures.grid(lines, tiers, _squares(by_tier, names, texts, address))
    return found


def _of_tier(drawn: DrawnMap, group: str, tier: str) -> Cell:
    return together([one for one in drawn.cells if (one.group, one.tier) == (group, tier)], group, "", tier)


def _squares(
    rows: Sequence[Sequence[Cell]], names: Mapping[str, str], texts: Mapping[str, str], address: Address
) -> dict[tuple[int, int], Square]:
    """Cells as drawn; heat on a root scale over all rows but that of everybody, which is the sum of others."""
    most = max((one.uncovered_potential for row in rows[1:] or rows for one in row), default=0.0) or 1.0
    return {
        (line, place): Square(
            customers=one.customers,
            covered=one.covered / one.customers,
            coverage=one.coverage,
            touched=one.touched / one.customers,
            heat=min(max(one.uncovered_potential, 0.0) / most, 1.0) ** 0.5,
            told=_told(one, names, texts),
            link=address(one.group, one.stage, one.tier),
        )
        for line, row in enumerate(rows)
        for place, one in enumerate(row)
        if one.customers
    }


def _told(cell: Cell, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """What the mouse shows: the numbers, and every strategy with its audience here."""
    where = " · ".join(names.get(name, name) for name in (cell.group, cell.stage, cell.tier) if name)
    head = [
        where,
        f"{texts['customers']} {cell.customers:,} · {texts['touched']} {cell.touched:,}",
        f"{texts['without']} {cell.uncovered:,} · {texts['potential']} {cell.uncovered_potential:,.0f}",
    ]
    here = [f"{names.get(one.strategy, one.strategy)}: {one.audience:,}" for one in cell.presences if one.audience]
    return "\n".join([*head, *here])


def _lane(drawn: DrawnMap, one: StrategyPlace, names: Mapping[str, str], address: Address) -> Lane:
    stages = []
    for stage in drawn.axes.stages:
        mine = [each for each in drawn.by_place[EVERYBODY, stage].presences if each.strategy == one.strategy]
        size, touched = (mine[0].audience, mine[0].touched) if mine else (0, 0)
        stages.append((size, touched, not one.stages or stage in one.stages))
    return Lane(names.get(one.strategy, one.strategy), one.owner, one.active, stages, address(one.strategy, "", ""))


def _cards(parts: Parts, drawn: DrawnMap, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """(number, what it is)."""
    whole, currency = drawn.everybody, parts.workspace.settings.currency
    active = sum(one.active for one in drawn.places)
    drafts = len(drawn.places) - active
    cards = [
        (f"{whole.customers:,}", texts["customers"]),
        (_share(whole.covered, whole.customers), texts["card_covered"]),
        (_share(whole.touched, whole.customers), texts["card_touched"].format(days=drawn.days)),
        (f"{whole.uncovered_potential:,.0f}", f"{currency} · {texts['card_idle'].format(customers=whole.uncovered)}"),
        (f"{active}" + (f" + {drafts}" if drafts else ""), texts["card_strategies" if not drafts else "card_drafts"]),
        (f"{len(drawn.conflicts):,}", texts["card_conflicts"]),
    ]
    if drawn.whole is not None:
        cards.append((f"{drawn.whole.net:+,.0f}", f"{currency} · {texts['card_net']}"))
    return cards


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def _place(one: StrategyPlace, names: Mapping[str, str], texts: Mapping[str, str], language: str) -> dict[str, Any]:
    """A strategy's row of the page."""
    aim = one.progress
    sign = 1.0 if aim.direction == "increase" else -1.0
    target = None if aim.target is None else sign * abs(aim.target)
    verdict = next((say(words, language) for key, words in VERDICTS.items() if key.value == one.verdict), "")
    return {
        "label": say(one.label, language),
        "name": one.strategy,
        "standing_key": aim.standing.value,
        "verdict_key": one.verdict,
        "active": one.active,
        "owner": one.owner,
        "audience": one.audience,
        "alone": one.alone,
        "groups": ", ".join(f"{names.get(name, name)} {count:,}" for name, count in one.groups[:3]),
        "metric": names.get(aim.metric, aim.metric),
        "target": "" if target is None else f"{target:+,.6g}" if abs(target) < 10 else f"{target:+,.0f}",
        "measured": _measured(aim.effect, aim.low, aim.high),
        "source": say(SOURCES[aim.source], language),
        "standing": say(STANDINGS[aim.standing], language) if aim.standing.value != "unknown" else "",
        "gauge": Markup(pictures.gauge(target, (aim.effect, aim.low, aim.high))),  # noqa: S704 our own SVG
        "offers": ", ".join(names.get(name, name) for name in one.offers),
        "channels": ", ".join(names.get(name, name) for name in one.channels),
        "limits": _limits(one, texts, language),
        "holdout": f"{one.holdout:.0%}",
        "touched": one.touched,
        "monthly": f"{one.monthly:,.0f}",
        "budget": "" if one.budget is None else f"{one.budget:,.0f}",
        "over": one.budget_share is not None and one.budget_share > 1,
        "budget_share": "" if one.budget_share is None else f"{one.budget_share:.0%}",
        "net": "" if one.net is None else f"{one.net:+,.0f}",
        "verdict": verdict if one.active else texts["draft"],
    }  # fmt: skip


def _measured(effect: float | None, low: float | None, high: float | None) -> str:
    if effect is None:
        return ""
    digits = ".2f" if abs(effect) < 10 else ".0f"
    ends = "" if low is None or high is None else f" ({low:+,{digits}} … {high:+,{digits}})"
    return f"{effect:+,{digits}}{ends}"


def _limits(one: StrategyPlace, texts: Mapping[str, str], language: str) -> str:
    if not one.capacity:
        return ""
    per = say(CAPACITIES[one.capacity], language)
    return per if one.contacts_max is None else f"{one.contacts_max:,} {per}{texts['a_day']}"

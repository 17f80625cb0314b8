"""What is scarce: the prices of a day's resources in words, and what levers cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.parts import Parts
from cultiva.strategy.words import resource_words

HEADINGS = {
    "resource": Words("资源", "resource"),
    "ranked_by": Words("切片", "slice"),
    "capacity": Words("当日可用", "capacity"),
    "used": Words("已用", "used"),
    "price": Words("影子价格", "price"),
    "meaning": Words("含义", "meaning"),
    "lever": Words("杠杆", "lever"),
    "label": Words("名称", "name"),
    "candidates": Words("影响候选", "candidates moved"),
    "cost": Words("代价", "cost"),
}
UNITS = {"touches": Words("多一次触达", "one more touch"), "cost": Words("多一元预算", "one more yuan")}


@dataclass(frozen=True)
class Priced:
    """What is scarce, or might be."""

    key: str
    """Resource and slice."""
    name: str
    """In the workspace's language."""
    pool: bool
    """Whether it is one person's or branch's hands."""
    ranked_by: str
    capacity: float
    used: float
    price: float | None
    """Money that one more unit would bring; None: this slice does not compare money."""
    meaning: str

    @property
    def scarce(self) -> bool:
        """Whether one more unit, or one unit less to be used, would bring anything."""
        return bool(self.price)


def priced(parts: Parts, on: date) -> list[Priced]:
    """Every resource and pool of hands: what a day had, used, and what one more unit would bring; dear ones first."""
    language, found = parts.workspace.settings.language, pl.scan_parquet(_files(parts, on)).collect()
    ordered = found.sort(pl.col("price").abs(), "resource", descending=[True, False], nulls_last=True)
    return [
        Priced(
            key=_key(row),
            name=say(_name(parts, row["resource"]), language),
            pool=row["kind"] == "pool",
            ranked_by=row["ranked_by"],
            capacity=row["capacity"],
            used=row["used"],
            price=row["price"],
            meaning=say(meaning(parts, row), language),
        )
        for row in ordered.iter_rows(named=True)
    ]


def price_history(parts: Parts, on: date) -> dict[str, list[tuple[date, float]]]:
    """Prices of every resource at all runs so far, oldest first; those that never had one are left out."""
    found: dict[str, list[tuple[date, float]]] = {}
    for snapshot in parts.lake.catalogue.history("price", on):
        rows = pl.scan_parquet(str(parts.lake.folder(snapshot) / "*.parquet")).select("resource", "ranked_by", "price")
        for row in rows.collect().iter_rows(named=True):
            if row["price"] is not None:
                found.setdefault(_key(row), []).append((snapshot.business_date, row["price"]))
    return {key: past for key, past in found.items() if any(price for _, price in past)}


def prices(parts: Parts, on: date) -> Sheet:
    """Every resource and pool of hands as a table."""
    language = parts.workspace.settings.language
    rows = [(one.name, one.ranked_by, one.capacity, one.used, one.price, one.meaning) for one in priced(parts, on)]
    columns = ("resource", "ranked_by", "capacity", "used", "price", "meaning")
    return Sheet(
        title=say(Words(f"稀缺资源 · {on}", f"what is scarce · {on}"), language),
        columns=columns,
        rows=tuple(rows),
        headings={name: say(HEADINGS[name], language) for name in columns},
        formats={"capacity": ",.0f", "used": ",.0f", "price": ",.2f"},
    )


def _files(parts: Parts, on: date) -> list[str]:
    return [str(folder / "*.parquet") for folder in parts.lake.files_current("price", on)]


def _key(row: Mapping[str, Any]) -> str:
    return f"{row['resource']}|{row['ranked_by']}"


def _name(parts: Parts, resource: str) -> Words:
    label = resource_words(resource, parts.workspace)
    return Words(label.zh, label.en)


def meaning(parts: Parts, row: Mapping[str, Any]) -> Words:
    """What a price says, in one sentence.

    Args:
        parts: Of the workspace.
        row: Of the lake table `price`.
    """
    name, unit, price = _name(parts, row["resource"]), UNITS[row["counts"]], row["price"]
    if price is None:
        return Words("本切片不以金额比较", "this slice does not compare money")
    if row["minimum"] and row["used"] < row["minimum"] - 1e-9:
        return Words(
            f"{name.zh} 的下限 {row['minimum']:,.0f} 未达到",
            f"the minimum of {row['minimum']:,.0f} for {name.en} is not reached",
        )
    if price < 0:
        return Words(f"为满足 {name.zh} 的下限，每单位损失 {-price:,.2f}", f"its minimum costs {-price:,.2f} a unit")
    if price == 0:
        return Words("不紧缺", "not scarce")
    return Words(f"{name.zh}{unit.zh}可多带来 {price:,.2f}", f"{unit.en} at {name.en} is worth {price:,.2f}")


def levers(parts: Parts, on: date) -> Sheet:
    """What every active lever moved, and the worth that it cost the plan."""
    language, run = parts.workspace.settings.language, parts.store.runs.newest(on)
    step = run.step("plan") if run is not None else None
    slices: Any = step.detail.get("slices", {}) if step is not None else {}
    told = {name: found for one in slices.values() for name, found in one["levers"].items()}
    columns = ("lever", "label", "candidates", "cost")
    labels = {one.name: one.label for one in parts.workspace.arbitration.levers}
    rows = [
        (name, say(Words(labels[name].zh, labels[name].en), language) if name in labels else name,
         found["candidates"], found["cost"])
        for name, found in told.items()
    ]  # fmt: skip
    return Sheet(
        title=say(Words(f"杠杆 · {on}", f"levers · {on}"), language),
        columns=columns,
        rows=tuple(rows),
        headings={name: say(HEADINGS[name], language) for name in columns},
        formats={"cost": ",.2f"},
        note=say(
            Words("代价：关掉该杠杆时计划多带来的金额", "cost: money that the plan would bring without it"), language
        ),
    )

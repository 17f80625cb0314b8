"""A hundred segments over one profile as roaring bitmaps, beside the same conditions in Polars written by hand.

Both sides read the same Parquet with warm caches, in one scan, and must find the same members. The hand-written side
is measured twice: up to the bitmaps, as fast as we know how, and merely counting.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap

from benchmarks.harness import DATA, parse_size, size_name
from cultiva.contracts.types import DataType
from cultiva.engine.bulk import sink
from cultiva.engine.open import open_engine
from cultiva.engine.parquet import part_path
from cultiva.rules import Scope, compile_rule

DESCRIPTION = "100 segments with bitmaps beside Polars written by hand; --size 5m (default), 1m"
SEGMENTS = 100
REPEATS = 3
TODAY = date(2026, 3, 31)
STAGES = ("prospect", "growing", "mature", "at_risk", "dormant", "lost")
CITIES = ("成都", "北京", "上海", "苏州", "杭州")
NUMBERS = {f"amount_{number}": DataType.MONEY for number in range(12)} | {
    f"rate_{n}": DataType.NUMBER for n in range(4)
}
INTEGERS = {f"count_{number}": DataType.INTEGER for number in range(8)}
DATES = {f"last_{number}": DataType.DATE for number in range(4)}
SCOPE = Scope(
    {"customer_id": DataType.INTEGER, "stage": DataType.TEXT, "city": DataType.TEXT, **NUMBERS, **INTEGERS, **DATES}
)


@dataclass(frozen=True)
class Condition:
    """The same condition as a rule and as Polars."""

    text: str
    by_hand: pl.Expr


def run(size: str | None) -> dict[str, Any]:
    """Measures both sides in turns and compares what they find."""
    customers = parse_size(size or "5m")
    folder = DATA / f"members-{size_name(customers)}"
    if not folder.exists():
        _write_profile(folder, customers)
    conditions = {f"segment_{number}": _drawn(random.Random(number)) for number in range(SEGMENTS)}
    engine = open_engine(SimpleNamespace(name="duckdb", threads=None, memory_gb=None, spill=str(DATA / "spill")))
    forms = {name: compile_rule(one.text, SCOPE).form(TODAY) for name, one in conditions.items()}
    by_hand = {name: one.by_hand for name, one in conditions.items()}
    sides: dict[str, Callable[[], Any]] = {
        "engine": lambda: engine.members([folder], forms),
        "hand": lambda: _members_by_hand(folder, by_hand),
        "hand_counting": lambda: _counts_by_hand(folder, by_hand),
    }
    times, found = _in_turns(sides)
    engine.close()
    assert found["engine"] == found["hand"], "the two sides disagree"
    assert {name: len(members) for name, members in found["hand"].items()} == found["hand_counting"]
    return {
        "size": size_name(customers),
        "segments": SEGMENTS,
        "memberships": sum(len(members) for members in found["engine"].values()),
        "bitmap_mib": round(sum(len(members.serialize()) for members in found["engine"].values()) / 2**20, 1),
        **{f"{side}_seconds": round(min(wall for wall, _ in taken), 3) for side, taken in times.items()},
        **{f"{side}_cpu_seconds": round(min(cpu for _, cpu in taken), 2) for side, taken in times.items()},
        "ratio": _ratio(times, "hand"),
        "ratio_to_counting": _ratio(times, "hand_counting"),
        "goal_ratio": 2.0,
    }


def _ratio(times: dict[str, list[tuple[float, float]]], other: str) -> float:
    return round(min(times["engine"])[0] / min(times[other])[0], 2)


def _in_turns(sides: dict[str, Callable[[], Any]]) -> tuple[dict[str, list[tuple[float, float]]], dict[str, Any]]:
    times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    found: dict[str, Any] = {}
    for _ in range(REPEATS):
        for side, work in sides.items():
            gc.collect()
            before, began = os.times(), time.perf_counter()
            found[side] = work()
            wall, after = time.perf_counter() - began, os.times()
            times[side].append((wall, after.user + after.system - before.user - before.system))
    return times, found


def _members_by_hand(folder: Path, conditions: dict[str, pl.Expr]) -> dict[str, BitMap]:
    frame = pl.scan_parquet(folder / "*.parquet").select("customer_id", **conditions).collect(engine="streaming")
    ids = frame["customer_id"].cast(pl.UInt32)
    return {name: BitMap(array("I", ids.filter(frame[name]).to_numpy().tobytes())) for name in conditions}


def _counts_by_hand(folder: Path, conditions: dict[str, pl.Expr]) -> dict[str, int]:
    counts = {name: condition.sum() for name, condition in conditions.items()}
    return pl.scan_parquet(folder / "*.parquet").select(**counts).collect(engine="streaming").row(0, named=True)


def _drawn(chance: random.Random) -> Condition:
    """Three to six conditions joined by `and`, one of them a choice of two."""
    leaves = [_leaf(chance) for _ in range(chance.randint(3, 6))]
    first, second, *rest = leaves
    text, by_hand = f"({first.text} or {second.text})", first.by_hand | second.by_hand
    for leaf in rest:
        text, by_hand = f"{text} and {leaf.text}", by_hand & leaf.by_hand
    return Condition(text, by_hand)


def _leaf(chance: random.Random) -> Condition:
    kind = chance.choice(["number", "number", "between", "integer", "stage", "city", "date", "known"])
    drawn: Condition = globals()[f"_{kind}"](chance)
    return drawn


def _number(chance: random.Random) -> Condition:
    name, bound = chance.choice(list(NUMBERS)), round(chance.uniform(100, 4000), 2)
    return Condition(f"{name} >= {bound}", pl.col(name) >= bound)


def _between(chance: random.Random) -> Condition:
    name, low = chance.choice(list(NUMBERS)), chance.randint(0, 3000)
    return Condition(f"{name} between {low} and {low + 3000}", pl.col(name).is_between(low, low + 3000))


def _integer(chance: random.Random) -> Condition:
    name, bound = chance.choice(list(INTEGERS)), chance.randint(5, 40)
    return Condition(f"not {name} > {bound}", ~(pl.col(name) > bound))


def _stage(chance: random.Random) -> Condition:
    chosen = chance.sample(STAGES, 3)
    names = ", ".join(f"'{name}'" for name in chosen)
    return Condition(f"stage in ({names})", pl.col("stage").is_in(chosen))


def _city(chance: random.Random) -> Condition:
    city = chance.choice(CITIES)
    return Condition(f"city <> '{city}'", pl.col("city") != city)


def _date(chance: random.Random) -> Condition:
    name, days = chance.choice(list(DATES)), chance.randint(30, 500)
    return Condition(f"days_between({name}, today) < {days}", pl.col(name) > TODAY - timedelta(days=days))


def _known(chance: random.Random) -> Condition:
    name = chance.choice([*NUMBERS, *DATES])
    return Condition(f"{name} is not null", pl.col(name).is_not_null())


def _write_profile(folder: Path, customers: int) -> None:
    """A profile with nulls, sorted by customer, in one file per million."""
    aside = folder.with_suffix(".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    chance = np.random.default_rng(1)
    for number, first in enumerate(range(1, customers + 1, 1_000_000)):
        rows = min(1_000_000, customers + 1 - first)
        sink(_rows(chance, first, rows).lazy(), part_path(aside, number))
    aside.rename(folder)


def _rows(chance: np.random.Generator, first: int, rows: int) -> pl.DataFrame:
    def with_nulls(values: pl.Series) -> pl.Series:
        return pl.select(pl.when(pl.Series(chance.random(rows) > 0.05)).then(values)).to_series()

    def text(choices: tuple[str, ...]) -> pl.Series:
        return with_nulls(pl.Series(np.array(choices, dtype=object)[chance.integers(0, len(choices), rows)].tolist()))

    money = {name: pl.Series(chance.exponential(2000, rows).round(2)) for name in NUMBERS}
    return pl.DataFrame(
        {
            "customer_id": pl.int_range(first, first + rows, eager=True),
            "stage": text(STAGES),
            "city": text(CITIES),
            **{name: with_nulls(values) for name, values in money.items()},
            **{name: with_nulls(pl.Series(chance.integers(0, 50, rows))) for name in INTEGERS},
            **{
                name: with_nulls(pl.Series(chance.integers(19_000, 20_543, rows)).cast(pl.Int32).cast(pl.Date))
                for name in DATES
            },
        }
    ).with_columns(pl.col(name).cast(pl.Decimal(18, 2)) for name, kind in NUMBERS.items() if kind is DataType.MONEY)

"""Price cells and the evidence they leave: the same on every engine, and as the definition says."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.strategy.pricing.templates import LEVELS, LISTED, template, workspace

from cultiva.contracts.decision import Fate
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import draws
from cultiva.engine.port import Engine
from cultiva.strategy.pricing.cells import drawn_levels, price_draw, quoted, read_ladders
from cultiva.strategy.pricing.evidence import EvidenceInputs, evidence
from cultiva.strategy.pricing.quotes import QuoteInputs, write_quotes
from cultiva.strategy.pricing.service import price, write_ladders

ON = date(2024, 3, 1)
MANY = 6_000
NAMES = [f"cash_loan@{round(level * 10_000)}" for level in LEVELS]


def put(folder: Path, name: str, table: pl.DataFrame) -> list[Path]:
    (folder / name).mkdir(parents=True)
    table.write_parquet(folder / name / "part-0.parquet")
    return [folder / name]


def everyone(engine: Engine, folder: Path, count: int = MANY) -> Any:
    tiers = pl.Series(["mass", "wealth", None]).gather(pl.int_range(count, eager=True) % 3)
    frame = pl.DataFrame({"customer_id": pl.int_range(1, count + 1, eager=True), "aum_tier": tiers})
    return engine.scan(put(folder, "profile", frame))


def quotes(engine: Engine, folder: Path, ladder: dict[str, float], exploration: float) -> pl.DataFrame:
    table = everyone(engine, folder)
    quote = quoted(table, template(exploration=exploration), ladder)
    rows = table.select("customer_id", "aum_tier", offer=quote.offer, share=quote.share, drawn=quote.drawn)
    return pl.DataFrame(pl.from_arrow(engine.fetch(rows)))


def test_a_price_is_drawn_as_the_draw_of_the_template_says(engine: Engine, tmp_path: Path) -> None:
    found = quotes(engine, tmp_path, {}, 0.4).sort("customer_id")
    place = drawn_levels(template(exploration=0.4), found["customer_id"].to_numpy())
    expected = [NAMES[at] if at >= 0 else "cash_loan@720" for at in place]
    assert found["offer"].to_list() == expected
    assert (found["drawn"].to_numpy() == (place >= 0)).all()
    counts = np.bincount(place[place >= 0], minlength=len(LEVELS))
    assert np.abs(counts - MANY * 0.4 / 6).max() < 4 * np.sqrt(MANY * 0.4 / 6)


def test_the_ladder_is_for_its_group_only_and_the_list_price_for_the_rest(engine: Engine, tmp_path: Path) -> None:
    found = quotes(engine, tmp_path, {"wealth": 0.066, "mass": 0.05}, 0.4).filter(~pl.col("drawn"))
    by_group = {tier: set(part["offer"]) for (tier,), part in found.group_by("aum_tier")}
    assert by_group == {"wealth": {"cash_loan@660"}, "mass": {"cash_loan@720"}, None: {"cash_loan@720"}}


def test_the_share_is_how_often_a_group_is_quoted_the_level(engine: Engine, tmp_path: Path) -> None:
    found = quotes(engine, tmp_path, {"wealth": 0.066}, 0.3).filter(pl.col("aum_tier") == "wealth")
    for (offer,), part in found.group_by("offer"):
        share = part["share"].unique().to_list()
        assert share == pytest.approx([0.05 + (0.7 if offer == "cash_loan@660" else 0)])
        assert part.height / found.height == pytest.approx(share[0], abs=0.03)


def test_without_exploration_everyone_is_quoted_the_ladder(engine: Engine, tmp_path: Path) -> None:
    found = quotes(engine, tmp_path, {"mass": 0.06}, 0.0)
    assert set(found["offer"]) == {"cash_loan@600", "cash_loan@720"} and not found["drawn"].any()


def decided(rows: list[tuple[int, str, Fate]]) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": [r[0] for r in rows], "offer": [r[1] for r in rows], "fate": [r[2].value for r in rows]}
    )


def test_the_first_quote_of_a_customer_stays(engine: Engine, tmp_path: Path) -> None:
    known = workspace(template())
    profile = pl.DataFrame({"customer_id": [1, 2, 3, 4], "aum_tier": ["mass", "wealth", None, "mass"]})
    files = put(tmp_path, "profile", profile)
    first = decided([(1, NAMES[0], Fate.CHOSEN), (2, NAMES[1], Fate.HELD_OUT), (3, NAMES[5], Fate.CHOSEN)])
    later = decided([(1, NAMES[3], Fate.CHOSEN), (2, NAMES[1], Fate.CHOSEN), (4, "deposit", Fate.CHOSEN)])
    logs = [tmp_path / "log-1", tmp_path / "log-2"]
    write_quotes(engine, QuoteInputs(put(tmp_path, "d1", first), files), known, ON, logs[0])
    tomorrow = QuoteInputs(put(tmp_path, "d2", later), files, previous=[logs[0]], mergers={3: 9})
    write_quotes(engine, tomorrow, known, ON + timedelta(days=1), logs[1])
    found = engine.fetch(engine.scan([logs[1]])).to_pylist()
    assert [(row["customer_id"], row["offer"], row["group"], row["quoted_on"]) for row in found] == [
        (1, NAMES[0], "mass", ON), (2, NAMES[1], "wealth", ON + timedelta(days=1)), (9, NAMES[5], "-", ON),
    ]  # fmt: skip


def test_cells_count_those_drawn_whose_time_is_over_and_take_ups_in_time(engine: Engine, tmp_path: Path) -> None:
    product = template(exploration=0.5)
    known = _known(product)
    drawn = [int(one) for one in np.flatnonzero(draws(price_draw("cash_loan"), np.arange(1, 200)) < 0.5)[:5] + 1]
    other = int(np.flatnonzero(draws(price_draw("cash_loan"), np.arange(1, 200)) > 0.5)[0] + 1)
    old, young = ON - timedelta(days=40), ON - timedelta(days=10)
    log = pl.DataFrame({
        "product": ["cash_loan"] * 6, "customer_id": [*drawn, other], "quoted_on": [old, old, old, old, young, old],
        "offer": [NAMES[0], NAMES[0], NAMES[4], NAMES[4], NAMES[4], NAMES[4]], "group": ["mass"] * 6,
    })  # fmt: skip
    held = pl.DataFrame({
        "customer_id": [drawn[0], drawn[1], drawn[2], drawn[3], other],
        "product_id": ["P_CONSUMER"] * 5, "category": ["loan"] * 3 + ["deposit", "loan"], "role": ["owner"] * 5,
        "opened_on": [old + timedelta(days=28), old + timedelta(days=29), old, old + timedelta(days=3),
                      old + timedelta(days=3)],
        "balance": [-12_000.0, 1.0, 1.0, 1.0, 1.0],
    })  # fmt: skip
    profile = pl.DataFrame({"customer_id": [*drawn, other], "aum_tier": ["mass"] * 5 + ["wealth"]})
    inputs = EvidenceInputs(put(tmp_path, "log", log), put(tmp_path, "held", held), put(tmp_path, "profile", profile))
    found = evidence(engine, inputs, known, product, ON)
    both = [half.counts for half in found.halves]
    assert both[0].groups == ("mass", "wealth") and found.customers.tolist() == [5, 1]
    assert (both[0].quoted + both[1].quoted)[0].tolist() == [2, 0, 0, 0, 2, 0]
    assert (both[0].taken + both[1].taken)[0].tolist() == [1, 0, 0, 0, 0, 0]
    assert sum(float(half.amount[0]) for half in found.halves) == 12_000.0
    assert found.waiting == 1


def _known(product: Any) -> Workspace:
    from dataclasses import replace

    from cultiva.contracts.types import DataType
    from cultiva.definitions.tags import Tag
    from cultiva.definitions.value import Band, Tiering

    bare = workspace(product)
    tier = Tiering(name="aum_tier", label=product.label, of="aum", bands=(Band(name="mass", label=product.label),))
    tag = Tag(name="aum", label=product.label, type=DataType.MONEY, column="aum")
    return replace(bare, tags={"aum": tag}, value=bare.value.model_copy(update={"tierings": (tier,)}))


def test_a_ladder_is_kept_for_the_next_plan(engine: Engine, tmp_path: Path) -> None:
    product = template(exploration=1.0)
    count = 4_000
    place = drawn_levels(product, np.arange(1, count + 1))
    log = pl.DataFrame({
        "product": ["cash_loan"] * count, "customer_id": range(1, count + 1),
        "quoted_on": [ON - timedelta(days=30)] * count, "offer": [NAMES[at] for at in place], "group": ["mass"] * count,
    })  # fmt: skip
    takes = draws("takes", np.arange(1, count + 1)) < np.array([0.01, 0.01, 0.02, 0.2, 0.2, 0.2])[place]
    who = (np.flatnonzero(takes) + 1).tolist()
    held = pl.DataFrame({
        "customer_id": who, "product_id": ["P_CONSUMER"] * len(who), "category": ["loan"] * len(who),
        "role": ["owner"] * len(who), "opened_on": [ON - timedelta(days=20)] * len(who),
        "balance": [40_000.0] * len(who),
    })  # fmt: skip
    profile = pl.DataFrame({"customer_id": range(1, count + 1), "aum_tier": ["mass"] * count})
    inputs = EvidenceInputs(put(tmp_path, "log", log), put(tmp_path, "held", held), put(tmp_path, "profile", profile))
    found = price(engine, inputs, _known(product), product, ON)
    assert found is not None and found.trial.gain is not None and found.trial.gain > 0
    write_ladders([found], tmp_path / "ladder")
    assert read_ladders(engine, [tmp_path / "ladder"]) == {"cash_loan": {"mass": 0.066}}
    assert read_ladders(engine, []) == {} and LISTED != 0.066

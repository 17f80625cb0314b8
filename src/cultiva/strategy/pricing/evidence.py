"""Evidence: what the price cells of a template have shown so far, counted where the data lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from cultiva.contracts.types import DataType
from cultiva.definitions.products import Product, levels_of, variant_name
from cultiva.definitions.scopes import platform_columns, profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.engine.draws import ibis_draw
from cultiva.engine.port import Engine, Files
from cultiva.rules import compile_rule
from cultiva.strategy.pricing.cells import group_of, price_draw
from cultiva.strategy.pricing.market import Sales
from cultiva.strategy.pricing.quotes import QUOTE_COLUMNS
from cultiva.strategy.pricing.response import Counts, Ints

if TYPE_CHECKING:
    import ibis

DECADE = 10
"""Width of the bands in which ages are shown."""
SEVERAL = 20
"""Most values of a protected attribute that are shown."""


@dataclass(frozen=True)
class EvidenceInputs:
    """What the cells of a day are counted from."""

    quotes: Files
    """The log of quotes."""
    holding: Files
    """What customers hold: a take-up is an account of the product."""
    profile: Files
    """The day's profile: who may be quoted, and in which group."""


@dataclass(frozen=True)
class Evidence:
    """Cells, and the customers whom the ladder is for."""

    halves: tuple[Sales, Sales]
    customers: Ints
    """Shape (groups,)."""
    protected: Mapping[str, Mapping[str, Mapping[str, int]]]
    """Attribute -> value -> group -> customers."""
    waiting: int
    """Customers with a drawn price whose time to answer is not over."""


def evidence(engine: Engine, inputs: EvidenceInputs, workspace: Workspace, product: Product, on: date) -> Evidence:
    """Counts drawn prices whose time to answer is over, and their take-ups.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Its fairness list and rules.
        product: The template.
        on: Business date.
    """
    eligible = eligible_customers(engine, inputs, workspace, product, on)
    today = _rows(engine, eligible.group_by("group").aggregate(customers=eligible.count()))
    cells = _rows(engine, _cells(engine, inputs, product, on))
    groups = tuple(sorted({row["group"] for row in (*today, *cells) if row["group"] is not None}))
    place = {name: at for at, name in enumerate(groups)}
    customers = np.zeros(len(groups), dtype=np.int64)
    for row in today:
        customers[place[row["group"]]] = row["customers"]
    mature = [row for row in cells if row["mature"]]
    sides = [_sales([row for row in mature if row["half"] == side], place, product) for side in (0, 1)]
    return Evidence(
        halves=(sides[0], sides[1]),
        customers=customers,
        protected=_protected(engine, eligible, workspace),
        waiting=sum(row["quoted"] for row in cells if not row["mature"]),
    )


def _rows(engine: Engine, table: ibis.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = engine.fetch(table).to_pylist()
    return rows


def eligible_customers(
    engine: Engine, inputs: EvidenceInputs, workspace: Workspace, product: Product, on: date
) -> ibis.Table:
    """Customers who may have it, with their group and, as text, what is protected."""
    profile = engine.scan(inputs.profile)
    scope = profile_scope(workspace)
    yes = [compile_rule(text, scope).form(on).ibis(profile) for text in (product.eligible, product.applicable)]
    able = profile.filter(*[one.fill_null(False) for one in yes])
    shown = {name: _as_text(able, name) for name in _shown(workspace)}
    return able.select("customer_id", group=group_of(able, product), **shown)


def _shown(workspace: Workspace) -> list[str]:
    """Protected attributes that the profile has and that can be shown as a few values."""
    types = {**{name: tag.type for name, tag in workspace.tags.items()}, **platform_columns(workspace)}
    wanted = (DataType.TEXT, DataType.INTEGER, DataType.BOOLEAN)
    return [name for name in workspace.fairness.protected if types.get(name) in wanted]


def _as_text(table: ibis.Table, name: str) -> ibis.Value:
    """Whole numbers in bands of ten."""
    column = table[name]
    if column.type().is_integer():
        column = (column / float(DECADE)).floor().cast("int64") * DECADE
    return column.cast("string").fill_null("-")


def _protected(engine: Engine, able: ibis.Table, workspace: Workspace) -> dict[str, dict[str, dict[str, int]]]:
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name in _shown(workspace):
        rows = _rows(engine, able.group_by([name, "group"]).aggregate(customers=able.count()))
        values = sorted({row[name] for row in rows}, key=lambda text: (len(text), text))
        if len(values) <= SEVERAL:
            found[name] = {
                value: {row["group"]: row["customers"] for row in rows if row[name] == value} for value in values
            }
    return found


def _cells(engine: Engine, inputs: EvidenceInputs, product: Product, on: date) -> ibis.Table:
    """quoted, taken and amount by half, group and offer, of customers whose price was drawn."""
    import ibis

    log = engine.scan(inputs.quotes, columns=QUOTE_COLUMNS)
    names = [variant_name(product, level) for level in levels_of(product)]
    mine = log.filter((log["product"] == product.name) & log.offer.isin(names))
    mine = mine.filter(ibis_draw(price_draw(product.name), mine.customer_id) < product.pricing.exploration)
    last = on - timedelta(days=product.pricing.window_days)
    marked = mine.mutate(
        half=ibis.ifelse(ibis_draw(f"half:{product.name}", mine.customer_id) < 0.5, 0, 1).cast("int64"),
        mature=mine.quoted_on <= ibis.literal(last),
    )
    joined = marked.left_join(_taken(engine, inputs, marked, product), "customer_id").drop("customer_id_right")
    return joined.group_by(["half", "group", "offer", "mature"]).aggregate(
        quoted=joined.count(),
        taken=joined.amount.notnull().cast("int64").sum(),
        amount=joined.amount.fill_null(0.0).sum(),
    )


def _taken(engine: Engine, inputs: EvidenceInputs, quotes: ibis.Table, product: Product) -> ibis.Table:
    """customer_id and amount of those who opened an account of the product in time after their quote."""
    import ibis

    held = engine.scan(inputs.holding)
    what = held.product_id.isin(product.pricing.sells) if product.pricing.sells else held.category == product.category
    sold = held.filter(what & (held.role == "owner")).select("customer_id", "opened_on", "balance")
    asked = quotes.select("customer_id", "quoted_on")
    joined = asked.inner_join(sold, "customer_id")
    until = (joined.quoted_on.cast("timestamp") + ibis.interval(days=product.pricing.window_days)).cast("date")
    inside = joined.filter((joined.opened_on > joined.quoted_on) & (joined.opened_on <= until))
    return inside.group_by("customer_id").aggregate(amount=inside.balance.cast("float64").abs().sum())


def _sales(rows: Sequence[Mapping[str, Any]], place: Mapping[str, int], product: Product) -> Sales:
    levels = levels_of(product)
    column = {variant_name(product, level): at for at, level in enumerate(levels)}
    quoted = np.zeros((len(place), len(levels)), dtype=np.int64)
    taken, amount = quoted.copy(), np.zeros(len(place))
    for row in rows:
        at = place[row["group"]], column[row["offer"]]
        quoted[at], taken[at] = row["quoted"], row["taken"]
        amount[at[0]] += row["amount"]
    return Sales(Counts(tuple(place), levels, quoted, taken), amount)

"""Price cells: at which level a customer is quoted today, by a draw or by the ladder, and with what probability.

One draw per customer and template, `price:<template>`, decides both whether the customer's price is drawn and which
level it is. It depends on nothing else: the same customer sees the same price on every day, in every strategy and over
every channel, and those whose price was drawn stay comparable however the ladder moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cultiva.definitions.products import Product, levels_of, variant_name
from cultiva.engine.draws import draws, ibis_draw
from cultiva.engine.port import Engine, Files

if TYPE_CHECKING:
    import ibis

Ladder = Mapping[str, float]
"""Group, the values of the pricing's tags joined with '|' -> the level that it is quoted; the list's where absent."""
BETWEEN = "|"
"""Stands between the values of a group that is made of several tags."""
NOTHING = "-"
"""Stands for a value that is not known."""


def price_draw(template: str) -> str:
    """The draw of a template's price cells.

    Examples:
        >>> price_draw("cash_loan")
        'price:cash_loan'
    """
    return f"price:{template}"


@dataclass(frozen=True)
class Quote:
    """At which level each customer is quoted."""

    offer: ibis.Value
    """Name of the variant."""
    share: ibis.Value
    """Probability with which the customer, as a member of the group, is quoted this level."""
    drawn: ibis.Value
    """Whether the price was drawn, so that it may be learnt from."""


def quoted(table: ibis.Table, product: Product, ladder: Ladder) -> Quote:
    """The quote of every row.

    Args:
        table: Has customer_id and the pricing's groups.
        product: The template.
        ladder: What has been learnt; empty: the list price.
    """
    import ibis

    levels, explored = levels_of(product), product.pricing.exploration
    names = [variant_name(product, level) for level in levels]
    draw, group = ibis_draw(price_draw(product.name), table.customer_id), group_of(table, product)
    usual = _usual(group, product, ladder)
    width = explored / len(levels)
    cells = [(draw < width * (place + 1), ibis.literal(name)) for place, name in enumerate(names[:-1])]
    drawn = draw < explored
    offer = ibis.ifelse(drawn, ibis.cases(*cells, else_=ibis.literal(names[-1])), usual)
    share = ibis.ifelse(offer == usual, width + 1 - explored, width)
    return Quote(offer, share.cast("float64"), drawn)


def _usual(group: ibis.Value, product: Product, ladder: Ladder) -> ibis.Value:
    """The variant of the ladder, the list's for groups that it does not name."""
    import ibis

    found = product.priced
    assert found is not None
    levels = set(levels_of(product))
    known = [(group == name, variant_name(product, level)) for name, level in ladder.items() if level in levels]
    listed = ibis.literal(variant_name(product, found.value))
    return ibis.cases(*[(is_it, ibis.literal(name)) for is_it, name in known], else_=listed) if known else listed


def group_of(table: ibis.Table, product: Product) -> ibis.Value:
    """The group of every row; empty where one price is for all."""
    import ibis

    if not product.pricing.groups:
        return ibis.literal("")
    values = [table[name].cast("string").fill_null(NOTHING) for name in product.pricing.groups]
    whole = values[0]
    for value in values[1:]:
        whole = whole + BETWEEN + value
    return whole


def read_ladders(engine: Engine, files: Files) -> Mapping[str, Ladder]:
    """Every template's ladder as the last run left it; empty before the first."""
    if not files:
        return {}
    found: dict[str, dict[str, float]] = {}
    for row in engine.fetch(engine.scan(files)).to_pylist():
        found.setdefault(row["product"], {})[row["group"]] = row["price"]
    return found


def drawn_levels(product: Product, customer_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of the level that is drawn for each customer, from the worst for the customer; -1 where none is drawn.

    Args:
        product: The template.
        customer_ids: Shape (n,).
    """
    drawn, count = draws(price_draw(product.name), customer_ids), len(levels_of(product))
    explored = product.pricing.exploration
    place = np.floor(drawn / max(explored / count, 1e-12)).astype(np.int64)
    return np.where(drawn < explored, np.minimum(place, count - 1), -1)

"""Quotes: who was first quoted a template at which price, in which group, on which day; a log that only grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.decision import Fate
from cultiva.contracts.types import Column, DataType
from cultiva.definitions.products import Product, levels_of, variant_name
from cultiva.definitions.workspace import Workspace
from cultiva.engine.columns import with_columns
from cultiva.engine.port import Engine, Files, Written
from cultiva.strategy.pricing.cells import group_of

if TYPE_CHECKING:
    import ibis

QUOTE_COLUMNS = (
    Column("product", DataType.TEXT),
    Column("customer_id", DataType.INTEGER),
    Column("quoted_on", DataType.DATE),
    Column("offer", DataType.TEXT),
    Column("group", DataType.TEXT),
)
"""Columns of the lake table `price_quote`."""
KEY = ("product", "customer_id")


@dataclass(frozen=True)
class QuoteInputs:
    """What the quotes of a day are made of."""

    decisions: Files
    """The day's decisions."""
    profile: Files
    """The day's profile."""
    previous: Files = ()
    """The log of the run before; empty at the first run."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id it was merged into."""


def write_quotes(engine: Engine, inputs: QuoteInputs, workspace: Workspace, on: date, folder: Path) -> Written:
    """Writes the lake table `price_quote`, sorted by product and customer.

    The first quote stays: what the customer is quoted later, and what group they are in then, may already be the
    consequence of it.

    Args:
        engine: Where sets are computed.
        inputs: What is read.
        workspace: Has the templates.
        on: Business date.
        folder: New folder.
    """
    known = _known(engine, inputs)
    fresh = reduce(
        lambda left, right: left.union(right),
        [_today(engine, inputs, product, on) for product in workspace.products.values()],
        known.limit(0),
    )
    new = fresh.anti_join(known, list(KEY)).select(*known.columns)
    return engine.write(known.union(new), folder, sort_by=KEY)


def _known(engine: Engine, inputs: QuoteInputs) -> ibis.Table:
    """The log so far under the ids that live on: of two merged customers the first quote."""
    import ibis
    import pyarrow as pa

    log = engine.scan(inputs.previous, columns=QUOTE_COLUMNS)
    if not inputs.previous or not inputs.mergers:
        return log
    retired, into = list(inputs.mergers), list(inputs.mergers.values())
    pairs = engine.load(pa.table({"retired": pa.array(retired, pa.int64()), "into": pa.array(into, pa.int64())}))
    moved = log.left_join(pairs, log.customer_id == pairs.retired)
    moved = moved.mutate(customer_id=ibis.coalesce(moved["into"], moved.customer_id))
    first = ibis.window(group_by=list(KEY), order_by=["quoted_on", "offer"])
    placed = moved.mutate(place=ibis.row_number().over(first))
    return with_columns(placed.filter(placed.place == 0), QUOTE_COLUMNS)


def _today(engine: Engine, inputs: QuoteInputs, product: Product, on: date) -> ibis.Table:
    """Customers to whom a variant is proposed today, once each."""
    import ibis

    decided = engine.scan(inputs.decisions)
    names = [variant_name(product, level) for level in levels_of(product)]
    chosen = decided.filter((decided.fate == Fate.CHOSEN.value) & decided.offer.isin(names))
    one = chosen.group_by("customer_id").aggregate(offer=chosen.offer.min())
    profile = engine.scan(inputs.profile)
    groups = profile.select(profile_id=profile.customer_id, group=group_of(profile, product))
    joined = one.left_join(groups, one.customer_id == groups.profile_id)
    stamped = joined.mutate(product=ibis.literal(product.name), quoted_on=ibis.literal(on))
    return with_columns(stamped, QUOTE_COLUMNS)

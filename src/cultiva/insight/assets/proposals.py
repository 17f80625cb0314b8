"""Proposals: which product closes which gap, by how much money, and what that is worth to the bank a year.

One row per customer and bucket, as a set: it is data for the plan as well as for the adviser. The money comes from the
buckets above the model, so what the bank earns there today is given up; a proposal may well cost the bank something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from cultiva.definitions.portfolios import BUCKETS, GAP_COLUMNS, Bucket, Portfolios
from cultiva.engine import exact
from cultiva.kit.money import MINOR_PER_MAJOR, to_major

if TYPE_CHECKING:
    import ibis

COLUMNS = ("customer_id", "bucket", "offer", "amount", "income", "given_up")
"""Columns of a proposal: money in the workspace's currency, `income` and `given_up` per year."""


def bucket_offers(portfolios: Portfolios) -> tuple[str, ...]:
    """The offers that fill some bucket, each once."""
    return tuple(dict.fromkeys(product.offer for _, bucket in portfolios.buckets.items() for product in bucket.offers))


def proposals(table: ibis.Table, portfolios: Portfolios) -> ibis.Table:
    """What closes the gaps of customers.

    Args:
        table: One row per customer: `customer_id`, the columns `gap_<bucket>`, and for every offer of
            `bucket_offers` a boolean `open_<offer>`, never null: whether the customer is eligible for it and whether
            it suits, by the same gate as in the plan.
        portfolios: The model portfolios.

    Returns:
        Columns `COLUMNS`; per bucket at most one row, the first open offer, where the gap is at least `gap_min`.
    """
    rate = given_up_rate(table, portfolios)
    rows = list(_per_bucket(table, portfolios, rate))
    return reduce(lambda left, right: left.union(right), rows) if rows else _nothing(table)


def proposals_of(row: Mapping[str, Any], opened: Collection[str], portfolios: Portfolios) -> list[dict[str, Any]]:
    """What closes the gaps of one customer: the rows of `proposals` for them, without an engine.

    Args:
        row: Has `customer_id` and the columns `gap_<bucket>`.
        opened: Offers for which the customer is eligible and which suit.
        portfolios: The model portfolios.
    """
    gaps = {name: row[GAP_COLUMNS[name]] for name in BUCKETS}
    above = {name: 0.0 if gap is None else max(-float(gap), 0.0) for name, gap in gaps.items()}
    whole = reduce(add, above.values())
    earned = reduce(add, [above[name] * bucket.margin for name, bucket in portfolios.buckets.items()])
    rate = earned / whole if whole else 0.0
    found = []
    for name, bucket in portfolios.buckets.items():
        gap, product = gaps[name], next((one for one in bucket.offers if one.offer in opened), None)
        if gap is None or product is None or gap <= 0 or float(gap) < portfolios.gap_min:
            continue
        income, given_up = float(gap) * product.margin, float(gap) * rate
        values = (row["customer_id"], name, product.offer, gap, _whole_cents(income), _whole_cents(given_up))
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def _whole_cents(amount: float) -> Decimal:
    """As `exact.cents_ibis` rounds: the double product with a hundred, half away from zero."""
    return to_major(int(Decimal(amount * float(MINOR_PER_MAJOR)).quantize(Decimal(1), rounding=ROUND_HALF_UP)))


def given_up_rate(table: ibis.Table, portfolios: Portfolios) -> ibis.Value:
    """What the bank earns a year, per currency unit, on the money above the model."""
    import ibis

    zero = ibis.literal(0.0)
    above = {name: ibis.greatest(-table[GAP_COLUMNS[name]].cast("float64"), zero) for name in BUCKETS}
    earned = reduce(add, [above[name] * bucket.margin for name, bucket in portfolios.buckets.items()])
    return earned / reduce(add, above.values()).nullif(zero)


def _per_bucket(table: ibis.Table, portfolios: Portfolios, rate: ibis.Value) -> Iterator[ibis.Table]:
    import ibis

    for name, bucket in portfolios.buckets.items():
        if not bucket.offers:
            continue
        gap = table[GAP_COLUMNS[name]]
        offer, margin = _first_open(table, bucket)
        wide = table.select(
            "customer_id",
            bucket=ibis.literal(name),
            offer=offer,
            amount=gap,
            income=_money(gap.cast("float64") * margin),
            given_up=_money(gap.cast("float64") * rate),
        )
        yield wide.filter(
            (wide.amount.cast("float64") >= portfolios.gap_min) & (wide.amount > 0) & wide.offer.notnull()
        )


def _first_open(table: ibis.Table, bucket: Bucket) -> tuple[ibis.Value, ibis.Value]:
    """The first open offer and its margin; null if none is open."""
    import ibis

    opened = [(table[f"open_{one.offer}"], one) for one in bucket.offers]
    return (
        ibis.cases(*[(when, ibis.literal(one.offer)) for when, one in opened], else_=ibis.null("string")),
        ibis.cases(*[(when, ibis.literal(one.margin)) for when, one in opened], else_=ibis.null("float64")),
    )


def _money(value: ibis.Value) -> ibis.Value:
    return exact.money_ibis(exact.cents_ibis(value.fill_null(0.0)))


def _nothing(table: ibis.Table) -> ibis.Table:
    """No rows, where no bucket has an offer."""
    import ibis

    gap = table[GAP_COLUMNS["liquid"]]
    empty = table.select(
        "customer_id", bucket=ibis.literal(""), offer=ibis.literal(""), amount=gap, income=gap, given_up=gap
    )
    return empty.filter(ibis.literal(False))


def totals(found: ibis.Table) -> ibis.Table:
    """Proposals by bucket and offer: customers, amount, income and what is given up, in the order of the names."""
    grouped = found.group_by("bucket", "offer").aggregate(
        customers=found.count(),
        **{name: found[name].sum().cast("decimal(38, 2)") for name in ("amount", "income", "given_up")},
    )
    return grouped.order_by("bucket", "offer")

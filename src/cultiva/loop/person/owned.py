"""What a customer has at the bank: accounts by class, and the products' names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cultiva.contracts.sight import Sight
from cultiva.loop.parts import Parts
from cultiva.loop.person.rows import rows_of, scanned
from cultiva.loop.seeing import sees


@dataclass(frozen=True)
class Held:
    """One account or contract."""

    account_id: str
    """Masked by whoever shows it."""
    product: str
    """Name of the product; its id where the bank delivers none."""
    category: str
    asset_class: str
    """Empty: no asset."""
    role: str
    opened_on: date | None
    closed_on: date | None
    status: str
    is_open: bool
    balance: Decimal | None
    before: Decimal | None
    """The balance 90 days ago."""
    credit_limit: Decimal | None


def holdings_of(parts: Parts, customer_id: int, on: date, *, sight: Sight) -> tuple[Held, ...]:
    """A customer's accounts, open ones and large ones first; nothing of who is out of sight."""
    if not sees(parts, customer_id, sight):
        return ()
    rows = rows_of(parts, "holding", [customer_id], on)
    files = parts.lake.files_latest("product", on)
    names: dict[str, str] = {}
    if files:
        names = dict(scanned(files).select("product_id", "name").collect().iter_rows())
    found = [
        Held(
            account_id=row["account_id"],
            product=names.get(row["product_id"]) or row["product_id"] or "",
            category=row["category"] or "",
            asset_class=row["asset_class"] or "",
            role=row["role"] or "",
            opened_on=row["opened_on"],
            closed_on=row["closed_on"],
            status=row["status"] or "",
            is_open=bool(row["is_open"]),
            balance=row["balance"],
            before=row["balance_90d_ago"],
            credit_limit=row["credit_limit"],
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_open, -abs(one.balance or Decimal(0)), one.account_id)))

"""Whose account it is: holders of accounts as customers, and the one owner to whom the money belongs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.contracts.tables import ACCOUNT, HOLDER, PRODUCT
from cultiva.engine.port import Engine, Files, Written
from cultiva.insight.identity.keys import PARTY_KEY

if TYPE_CHECKING:
    import ibis

ROLES = ("owner", "joint", "authorised")
"""Roles, strongest first."""
TRANSACTION_PRODUCT = ("product_id", "category", "asset_class")
"""What the transaction view says of the account's product."""


@dataclass(frozen=True)
class Accounts:
    """The deliveries that say who holds what; a table that the bank does not have has no files."""

    account: Files
    """Accounts."""
    holder: Files
    """Who holds them."""
    product: Files
    """What they are."""
    mapping: Files
    """The identity map."""


def write_account_owners(engine: Engine, accounts: Accounts, folder: Path, *, business_date: date) -> Written:
    """Writes `account_owner`: account_id, customer_id and the product's columns of the transaction view, by account_id.

    Accounts opened by the business date that somebody owns; of several owners the smallest customer_id.

    Args:
        engine: Where sets are computed.
        accounts: What is read.
        folder: New lake folder.
        business_date: The day.
    """
    known = opened(engine, accounts.account, business_date)
    products = engine.scan(accounts.product, columns=PRODUCT.columns)
    owned = known.join(owners(engine, accounts), "account_id").left_join(
        products.select(*TRANSACTION_PRODUCT), "product_id"
    )
    columns = owned.select("account_id", "customer_id", *TRANSACTION_PRODUCT)
    return engine.write(columns, folder, sort_by=["account_id"])


def opened(engine: Engine, account: Files, business_date: date) -> ibis.Table:
    """Accounts opened on or before the day, with the bank's own columns."""
    table = engine.scan(account) if account else engine.scan(account, columns=ACCOUNT.columns)
    return table.filter(table.opened_on <= business_date)


def owners(engine: Engine, accounts: Accounts) -> ibis.Table:
    """(account_id, customer_id): one owner per account that has any."""
    held = _held(engine, accounts)
    owning = held.filter(held.role == ROLES[0])
    return owning.group_by("account_id").aggregate(customer_id=owning.customer_id.min())


def holders(engine: Engine, accounts: Accounts) -> ibis.Table:
    """(account_id, customer_id, role): every customer once per account, in the strongest role.

    Only one is the owner, so that money counts once; further owners are joint holders.
    """
    import ibis

    held = _held(engine, accounts)
    place = ibis.cases(*[(held.role == role, position) for position, role in enumerate(ROLES)], else_=len(ROLES))
    strongest = held.group_by(["account_id", "customer_id"]).aggregate(place=place.min())
    # Taken from the same rows, which are joined with the identity map only once.
    owning = strongest.filter(strongest.place == 0)
    owner = owning.group_by("account_id").aggregate(owner_id=owning.customer_id.min())
    placed = strongest.left_join(owner, "account_id")
    joint = (placed.place == 0) & (placed.customer_id != placed.owner_id)
    final = ibis.ifelse(joint, 1, placed.place)
    role = ibis.cases(*[(final == position, role) for position, role in enumerate(ROLES)], else_=ROLES[-1])
    return placed.select("account_id", "customer_id", role=role)


def _held(engine: Engine, accounts: Accounts) -> ibis.Table:
    holder = engine.scan(accounts.holder, columns=HOLDER.columns)
    return holder.join(engine.scan(accounts.mapping), list(PARTY_KEY)).select("account_id", "role", "customer_id")

"""The bank itself as columns: products, branches and staff."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import coded
from cultiva.simbank.names import BRANCH_WORDS, FIRM_PLACES
from cultiva.simbank.population import ADVISERS_PER_BRANCH, Bank
from cultiva.simbank.tables import Columns, branch_ids, region_codes, staff_ids

PEER_GROUPS = ("rural", "town", "city")
CONTACTS_PER_WEEK = {"adviser": 60, "lobby_manager": 100, "remote_adviser": 150}


def place_tables(rng: np.random.Generator, bank: Bank) -> dict[str, Columns]:
    """Products, branches and staff of the whole bank."""
    return {"product": _products(), "branch": _branches(rng, bank), "staff": _staff(bank)}


def _products() -> Columns:
    names = ("product_id", "name", "category", "asset_class", "risk_level", "customer_rate", "fee_rate", "risk_weight")
    return {name: pa.array([getattr(product, name) for product in PRODUCTS]) for name in names}


def _branches(rng: np.random.Generator, bank: Bank) -> Columns:
    number = np.arange(bank.branches)
    border = max(1, round(bank.branches * 0.4))
    group = np.where(number < border, 0, np.where(number % 3 == 0, 2, 1))
    names = [f"{FIRM_PLACES[n % len(FIRM_PLACES)]}第{n + 1}{BRANCH_WORDS[int(n < border)]}" for n in number]
    return {
        "branch_id": branch_ids(number),
        "name": pa.array(names),
        "region_code": region_codes(number),
        "longitude": pa.array(np.round(100 + rng.random(number.size) * 4, 5)),
        "latitude": pa.array(np.round(30 + rng.random(number.size) * 3, 5)),
        "peer_group": coded(group, PEER_GROUPS),
    }


def _staff(bank: Bank) -> Columns:
    """Four advisers and a lobby manager per branch; remote advisers sit at branch 0."""
    advisers = np.arange(bank.branches * ADVISERS_PER_BRANCH)
    lobby = np.arange(bank.branches)
    remote = np.arange(max(1, bank.branches // 4))
    role = np.repeat([0, 1, 2], [advisers.size, lobby.size, remote.size])
    roles = list(CONTACTS_PER_WEEK)
    return {
        "staff_id": staff_ids(np.arange(role.size)),
        "branch_id": branch_ids(np.concatenate([advisers // ADVISERS_PER_BRANCH, lobby, remote * 0])),
        "role": coded(role, roles),
        "contacts_per_week_max": pa.array(np.array([CONTACTS_PER_WEEK[name] for name in roles])[role]),
    }

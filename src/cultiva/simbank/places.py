"""The bank itself as columns: products, branches, staff, and whom it works with."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import coded, numbered
from cultiva.simbank.districts import DISTRICTS, branch_districts
from cultiva.simbank.names import BRANCH_WORDS, FIRM_NAMES, GIVEN, PARTNER_WORDS, SHOP_WORDS, SURNAMES
from cultiva.simbank.population import ADVISERS_PER_BRANCH, Bank
from cultiva.simbank.tables import MERCHANTS, Columns, branch_ids, region_codes, staff_ids

PEER_GROUPS = ("rural", "town", "city")
AROUND_DEGREES = 0.08
"""Branches lie within half of this around the seat of their district."""
PARTNERS = 24
PARTNER_CATEGORIES = ("car_service", "telecom", "supermarket", "cinema", "clinic", "farm_supplies")
MERCHANT_CATEGORIES = ("grocery", "restaurant", "fuel", "clothing", "pharmacy", "hardware", "education", "travel")
CONTACTS_PER_WEEK = {"adviser": 60, "lobby_manager": 100, "remote_adviser": 150}


def place_tables(rng: np.random.Generator, bank: Bank) -> dict[str, Columns]:
    """Products, branches, staff, partners and merchants of the whole bank."""
    return {
        "product": _products(),
        "branch": _branches(rng, bank),
        "staff": _staff(bank),
        "partner": _partners(bank),
        "merchant": _merchants(bank),
    }


def _products() -> Columns:
    names = ("product_id", "name", "category", "asset_class", "risk_level", "customer_rate", "fee_rate", "risk_weight")
    return {name: pa.array([getattr(product, name) for product in PRODUCTS]) for name in names}


def _branches(rng: np.random.Generator, bank: Bank) -> Columns:
    number = np.arange(bank.branches)
    border = bank.rural_branches
    group = np.where(number < border, 0, np.where(number % 3 == 0, 2, 1))
    places = [DISTRICTS[place] for place in branch_districts(bank.branches, border)]
    names = [f"{place.name}第{n + 1}{BRANCH_WORDS[int(n < border)]}" for n, place in enumerate(places)]
    east, north = (np.array([getattr(place, axis) for place in places]) for axis in ("longitude", "latitude"))
    return {
        "branch_id": branch_ids(number),
        "name": pa.array(names),
        "region_code": region_codes(bank, number),
        "longitude": pa.array(np.round(east + (rng.random(number.size) - 0.5) * AROUND_DEGREES, 5)),
        "latitude": pa.array(np.round(north + (rng.random(number.size) - 0.5) * AROUND_DEGREES, 5)),
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
        "name": pa.array([_called(number) for number in range(role.size)]),
        "branch_id": branch_ids(np.concatenate([advisers // ADVISERS_PER_BRANCH, lobby, remote * 0])),
        "role": coded(role, roles),
        "contacts_per_week_max": pa.array(np.array([CONTACTS_PER_WEEK[name] for name in roles])[role]),
    }


def _called(number: int) -> str:
    """The name of one of the staff by number: takes nothing of the bank's chance, so that it shifts nobody's draws."""
    given = number * 7919
    return SURNAMES[number % len(SURNAMES)] + GIVEN[given % len(GIVEN)] + GIVEN[given // len(GIVEN) % len(GIVEN)]


def _partners(bank: Bank) -> Columns:
    """Suppliers of benefits; the quota is what they give per month."""
    number = np.arange(PARTNERS)
    kind = number % len(PARTNER_CATEGORIES)
    names = [f"{FIRM_NAMES[n % len(FIRM_NAMES)]}{PARTNER_WORDS[n % len(PARTNER_WORDS)]}" for n in number]
    return {
        "partner_id": numbered("P", number, 4),
        "name": pa.array(names),
        "category": coded(kind, PARTNER_CATEGORIES),
        "region_code": region_codes(bank, number % bank.branches),
        "quota": pa.array(np.maximum(50, bank.customers // (40 + 10 * kind))),
    }


def _merchants(bank: Bank) -> Columns:
    """Those who take card payments, spread over the districts of the branches."""
    number = np.arange(MERCHANTS)
    kind = number % len(MERCHANT_CATEGORIES)
    names = [f"{FIRM_NAMES[n // 7 % len(FIRM_NAMES)]}{SHOP_WORDS[n % len(SHOP_WORDS)]}{n + 1}号店" for n in number]
    return {
        "merchant_id": numbered("M", number, 6),
        "name": pa.array(names),
        "category": coded(kind, MERCHANT_CATEGORIES),
        "region_code": region_codes(bank, number * 7 % bank.branches),
    }

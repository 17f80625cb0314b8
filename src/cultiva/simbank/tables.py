"""The files of one chunk as columns, named like the canonical tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cultiva.simbank.archetypes import (
    CHANNELS,
    EVENTS,
    INDUSTRIES,
    KINDS,
    LOANS,
    OCCUPATIONS,
    PRODUCT_CODE,
    PRODUCTS,
    Life,
)
from cultiva.simbank.arrays import (
    NONE,
    Flags,
    Floats,
    Ints,
    coded,
    dates,
    hashes,
    money,
    numbered,
    pick_by_group,
    timestamps,
)
from cultiva.simbank.districts import DISTRICTS, branch_districts
from cultiva.simbank.doings import EVENT_CHANNELS, PROPERTY_TEXTS, Happenings
from cultiva.simbank.holdings import CENTS, Accounts
from cultiva.simbank.kinship import counterparts
from cultiva.simbank.movements import Balances, Movements
from cultiva.simbank.names import FIRM_NAMES, FIRM_PLACES, FIRM_TRADES, GIVEN, LIKE_SOUNDING, STREETS, SURNAMES
from cultiva.simbank.population import NEVER, Bank, Population

Columns = dict[str, Any]
STATUSES = ("active", "frozen", "closed", "overdue", "estate")
RISK_RATINGS = ("C1", "C2", "C3", "C4", "C5")
MERCHANTS = 3_000
ACCOUNTS_PER_CHUNK = 10**7
APP_FACTOR, APP_SHIFT, APP_RANGE = 7_919, 17, 10**8  # coprime to the range: every app id differs
_CHANNEL_SHARES = {  # by kind: app, web, branch, atm, pos, wecom, phone for those who use the app
    "transfer_in": (6, 2, 1, 0, 0, 0.2, 0.2), "transfer_out": (7, 2, 1, 0.3, 0, 0.2, 0.2),
    "card_payment": (4, 1, 0, 0, 6, 0, 0), "cash_in": (0, 0, 3, 4, 0, 0, 0), "cash_out": (0, 0, 2, 6, 0, 0, 0),
    "utility": (6, 2, 1, 0, 0, 0, 0), "investment_buy": (6, 1, 2, 0, 0, 0.4, 0.3),
    "investment_sell": (6, 1, 2, 0, 0, 0.2, 0.3), "merchant_income": (1, 0, 0, 0, 9, 0, 0),
    "insurance_premium": (4, 1, 2, 0, 0, 0, 0.5),
}  # fmt: skip
"""Kinds that are not named come without a channel: the bank's own systems book them."""


def core_ids(numbers: Ints) -> Any:
    """Ids of the core system."""
    return numbered("C", numbers, 8)


def app_ids(numbers: Ints) -> Any:
    """Ids of the app, unlike those of the core system."""
    return numbered("A", np.where(numbers < 0, numbers, (numbers * APP_FACTOR + APP_SHIFT) % APP_RANGE), 8)


def account_ids(bank_chunk: int, accounts: Ints) -> Any:
    """Ids of accounts: the chunk and the place in it."""
    return numbered("62", np.where(accounts < 0, accounts, bank_chunk * ACCOUNTS_PER_CHUNK + accounts), 12)


def row_ids(prefix: str, bank_chunk: int, rows: int) -> Any:
    """Ids of facts: the chunk and the place in it."""
    return numbered(prefix, bank_chunk * 10**8 + np.arange(rows), 13)


def party_tables(rng: np.random.Generator, bank: Bank, people: Population, facts: Columns) -> dict[str, Columns]:
    """What the core system and the app say of the customers."""
    return {"party_core": _core(people, facts), "party_app": _app(rng, bank, people, facts)}


def party_facts(rng: np.random.Generator, bank: Bank, people: Population, seed: int) -> Columns:
    """What there is to know of every customer, as the core system would have it."""
    rows = len(people)
    number = people.start + np.arange(rows)
    first, rating_day = bank.calendar.first, bank.calendar.last - 1 - (rng.random(rows) * 700).astype(np.int64)
    rated = ~people.organisation & (people.wealth > 20_000) & (rng.random(rows) < 0.7)
    rated &= people.opened <= bank.calendar.last
    bold = np.clip(np.log10(np.maximum(people.wealth, 1)) - 2.8 + rng.normal(0, 0.9, rows), 0, 4).astype(np.int64)
    names = _names(rng, people)
    return {
        "source_system": coded(np.zeros(rows, dtype=np.int64), ["core"]),
        "source_id": core_ids(number),
        "party_type": coded(people.organisation.astype(np.int64), ["person", "organisation"]),
        "name": names,
        "birth_date": dates(people.born, first),
        "gender": coded(np.where(people.organisation, NONE, people.female), ["male", "female"]),
        "id_type": coded(people.organisation.astype(np.int64), ["id_card", "licence"]),
        "id_number_hash": hashes(number, seed * 2),
        "phone": _phones(rng, people, number),
        "email": _mails(rng, number),
        "address": _addresses(rng, people),
        "region_code": region_codes(bank, people.branch),
        "branch_id": branch_ids(people.branch),
        "adviser_id": staff_ids(people.adviser),
        "occupation": coded(np.where(people.organisation, NONE, people.trade), OCCUPATIONS),
        "industry": coded(np.where(people.organisation, people.trade, NONE), INDUSTRIES),
        "employer": pc.take(names, pa.array(people.employer, mask=people.employer == NONE)),
        "risk_rating": coded(np.where(rated, bold, NONE), RISK_RATINGS),
        "risk_rated_on": dates(np.maximum(rating_day, people.opened), first, rated),
        "opened_on": dates(people.opened, first),
    }


def branch_ids(branches: Ints) -> Any:
    """Ids of branches."""
    return numbered("B", branches, 4)


def region_codes(bank: Bank, branches: Ints) -> Any:
    """Codes of the districts of branches."""
    code = np.array([district.code for district in DISTRICTS])[branch_districts(bank.branches, bank.rural_branches)]
    return numbered("", np.where(branches < 0, branches, code[branches]), 6)


def staff_ids(staff: Ints) -> Any:
    """Ids of advisers."""
    return numbered("S", staff, 5)


def _names(rng: np.random.Generator, people: Population) -> Any:
    rows = len(people)
    given = [pc.take(pa.array(GIVEN), pa.array(rng.integers(0, len(GIVEN), rows))) for _ in range(2)]
    short = pa.array(rng.random(rows) < 0.3)
    second = pc.if_else(short, "", given[1])
    surname = pc.take(pa.array(SURNAMES), pa.array((rng.random(rows) ** 1.6 * len(SURNAMES)).astype(np.int64)))
    person = pc.binary_join_element_wise(surname, given[0], second, "")
    places = pc.take(pa.array(FIRM_PLACES), pa.array(rng.integers(0, len(FIRM_PLACES), rows)))
    words = [pc.take(pa.array(FIRM_NAMES), pa.array(rng.integers(0, len(FIRM_NAMES), rows))) for _ in range(2)]
    trades = pa.array([FIRM_TRADES[name] for name in INDUSTRIES])
    trade = pc.take(trades, pa.array(np.minimum(people.trade, len(INDUSTRIES) - 1)))
    firm = pc.binary_join_element_wise(places, words[0], words[1], trade, "有限公司", "")
    return pc.if_else(pa.array(people.organisation), firm, person)


def _phones(rng: np.random.Generator, people: Population, number: Ints) -> Any:
    """Numbers that begin with 12, which no mobile number does; some couples share one, some have none."""
    shared = (people.partner != NONE) & (people.partner < np.arange(number.size)) & (rng.random(number.size) < 0.06)
    line = np.where(shared, people.start + people.partner, number)
    line = (line * 104_729 + 71) % 10**9
    return numbered("12", np.where(rng.random(number.size) < 0.03, NONE, line), 9)


def _mails(rng: np.random.Generator, number: Ints) -> Any:
    user = numbered("u", np.where(rng.random(number.size) < 0.6, NONE, number), 8)
    return pc.binary_join_element_wise(user, "@example.com", "")


def _addresses(rng: np.random.Generator, people: Population) -> Any:
    rows = len(people)
    place = pc.take(pa.array(FIRM_PLACES), pa.array(people.branch % len(FIRM_PLACES)))
    street = pc.take(pa.array(STREETS), pa.array(rng.integers(0, len(STREETS), rows)))
    door = pc.cast(pa.array(rng.integers(1, 400, rows)), pa.string())
    return pc.binary_join_element_wise(place, street, door, "号", "")


def _core(people: Population, facts: Columns) -> Columns:
    known = pa.array(people.in_core)
    return {name: column.filter(known) for name, column in facts.items()}


def _app(rng: np.random.Generator, bank: Bank, people: Population, facts: Columns) -> Columns:
    """The same people again as they typed themselves, with gaps, a new phone, a misheard name."""
    users = np.flatnonzero(people.uses_app & ~people.organisation)
    rows = users.size
    app = {name: column.take(pa.array(users)) for name, column in facts.items()}
    number = people.start + users
    other_line = numbered("12", (number * 104_729 + 500_000_071) % 10**9, 9)
    visitor = ~people.in_core[users]
    unnamed = pa.array(rng.random(rows) < np.where(visitor, 0.6, 0.15))
    since = people.opened[users] + (rng.random(rows) * np.maximum(bank.calendar.last - people.opened[users], 0)).astype(
        np.int64
    )
    since = np.where(visitor, bank.calendar.last - rng.integers(1, 60, rows), since)
    typed_day = people.born[users] + (rng.random(rows) < 0.003)
    app |= {
        "source_system": coded(np.zeros(rows, dtype=np.int64), ["app"]),
        "source_id": app_ids(number),
        "name": _misheard(rng, app["name"]),
        "birth_date": dates(typed_day, bank.calendar.first),
        "id_number_hash": pc.if_else(unnamed, pa.scalar(None, pa.string()), app["id_number_hash"]),
        "phone": pc.if_else(pa.array(rng.random(rows) < 0.06), other_line, app["phone"]),
        "opened_on": dates(since, bank.calendar.first),
    }
    for name in ("address", "branch_id", "adviser_id", "employer", "risk_rating", "risk_rated_on", "id_type"):
        app[name] = pa.nulls(
            rows, app[name].type.value_type if pa.types.is_dictionary(app[name].type) else app[name].type
        )
    return app  # fmt: skip


def _misheard(rng: np.random.Generator, names: Any) -> Any:
    heard = names
    for right, wrong in LIKE_SOUNDING.items():
        heard = pc.replace_substring(heard, right, wrong)
    return pc.if_else(pa.array(rng.random(len(names)) < 0.15), heard, names)


def account_tables(
    rng: np.random.Generator, bank: Bank, people: Population, accounts: Accounts, chunk: int
) -> dict[str, Columns]:
    """Accounts and their holders."""
    rows, first = len(accounts), bank.calendar.first
    closed = accounts.closed < NEVER
    ids = account_ids(chunk, np.arange(rows))
    account = {
        "account_id": ids,
        "product_id": coded(accounts.product, [product.product_id for product in PRODUCTS]),
        "branch_id": branch_ids(people.branch[accounts.owner]),
        "opened_on": dates(accounts.opened, first),
        "closed_on": dates(np.where(closed, accounts.closed, 0), first, closed),
        "currency": coded(np.zeros(rows, dtype=np.int64), ["CNY"]),
        "status": coded(_statuses(rng, people, accounts, closed), STATUSES),
    }
    return {"account": account, "holder": _holders(rng, people, accounts, chunk)}


def _statuses(rng: np.random.Generator, people: Population, accounts: Accounts, closed: Flags) -> Ints:
    """Most accounts are active; a few are frozen, a few loans overdue, a few owners have died."""
    rows = len(accounts)
    code = {name: place for place, name in enumerate(STATUSES)}
    owed = np.isin(accounts.product, [PRODUCT_CODE[name] for name in LOANS])
    status = np.where(rng.random(rows) < 0.001, code["frozen"], code["active"])
    status[owed & (rng.random(rows) < 0.015)] = code["overdue"]
    died = (people.life == Life.DORMANT) & ~people.organisation & (rng.random(len(people)) < 0.02)
    status[died[accounts.owner]] = code["estate"]
    return np.where(closed, code["closed"], status)


def _holders(rng: np.random.Generator, people: Population, accounts: Accounts, chunk: int) -> Columns:
    partner = people.partner[accounts.owner]
    banked = (partner != NONE) & people.in_core[partner] & (people.opened[partner] <= people.opened[accounts.owner])
    second = np.flatnonzero(banked & (rng.random(len(accounts)) < 0.06))
    who = np.concatenate([accounts.owner, partner[second]])
    role = np.concatenate([np.zeros(len(accounts), dtype=np.int64), rng.integers(1, 3, second.size)])
    return {
        "account_id": account_ids(chunk, np.concatenate([np.arange(len(accounts)), second])),
        "source_system": coded(np.zeros(who.size, dtype=np.int64), ["core"]),
        "source_id": core_ids(people.start + who),
        "role": coded(role, ["owner", "joint", "authorised"]),
    }


def balance_table(bank: Bank, people: Population, accounts: Accounts, balances: Balances, chunk: int) -> Columns:
    """Balances, with the credit line of cards."""
    card = accounts.product[balances.account] == PRODUCT_CODE["P_CREDITCARD"]
    line = card_limits(people.income[accounts.owner])[balances.account]
    return {
        "account_id": account_ids(chunk, balances.account),
        "date": dates(balances.day, bank.calendar.first),
        "balance": money(balances.cents),
        "limit": money(line, card),
    }


def card_limits(income: Floats) -> Ints:
    """Credit lines in cents: four months of income, at least 5,000 yuan."""
    return np.maximum(np.round(income * 4, -3).astype(np.int64), 5_000) * CENTS


def transaction_table(
    rng: np.random.Generator, bank: Bank, people: Population, accounts: Accounts, moves: Movements, chunk: int
) -> Columns:
    """Movements."""
    owner = accounts.owner[moves.account]
    merchants = merchants_of(rng, moves.kind)
    return {
        "transaction_id": row_ids("T", chunk, len(moves)),
        "account_id": account_ids(chunk, moves.account),
        "at": timestamps(moves.day, moves.second, bank.calendar.first),
        "amount": money(moves.cents),
        "kind": coded(moves.kind, KINDS),
        "channel": coded(movement_channels(rng, moves.kind, people.uses_app[owner]), CHANNELS),
        "counterparty_account": account_ids(chunk, _counterparties(rng, people, accounts, moves, owner)),
        "merchant_id": merchants,
    }


def merchants_of(rng: np.random.Generator, kinds: Ints) -> Any:
    """Where cards pay: few merchants take most; null for other movements."""
    shop = (MERCHANTS * rng.random(kinds.size) ** 3).astype(np.int64)
    by_card = np.array([kind == "card_payment" for kind in KINDS])[kinds]
    return numbered("M", np.where(by_card, shop, NONE), 6)


def movement_channels(rng: np.random.Generator, kinds: Ints, uses_app: Flags) -> Ints:
    """Over which channel movements of these kinds were made, NONE where the bank's own systems book them."""
    nothing = (1.0,) + (0.0,) * (len(CHANNELS) - 1)
    with_app = np.array([_CHANNEL_SHARES.get(kind, nothing) for kind in KINDS], dtype=np.float64)
    without = with_app * np.array([0.0, 0.0, 2.0, 1.0, 1.0, 0.0, 1.0]) + np.array([0, 0, 0.5, 0, 0, 0, 0])
    shares = np.stack([without, with_app], axis=1).reshape(-1, len(CHANNELS))
    booked_by_bank = np.array([kind not in _CHANNEL_SHARES for kind in KINDS])[kinds]
    return np.where(booked_by_bank, NONE, pick_by_group(rng, shares, kinds * 2 + uses_app))


def _counterparties(
    rng: np.random.Generator, people: Population, accounts: Accounts, moves: Movements, owner: Ints
) -> Ints:
    """A salary comes from the employer's account; two transfers in five go to kin, friends or a colleague."""
    code = {kind: place for place, kind in enumerate(KINDS)}
    employer = people.employer[owner]
    current = accounts.of[:, PRODUCT_CODE["P_CURRENT"]]
    paid_by = np.where((moves.kind == code["salary"]) & (employer != NONE), current[employer], NONE)
    transfer = np.isin(moves.kind, [code["transfer_in"], code["transfer_out"]]) & (rng.random(len(moves)) < 0.4)
    chance = rng.integers(0, max(len(accounts), 1), len(moves))
    other = current[counterparts(chance, owner, (people.partner, people.parent, people.referrer))]
    transfer &= (other != moves.account) & (other != NONE)
    return np.where(transfer, other, paid_by)


def event_table(bank: Bank, people: Population, events: Happenings, chunk: int) -> Columns:
    """Events, known by the app's id where the app saw them, by the core's otherwise."""
    number = people.start + events.customer
    by_app = people.uses_app[events.customer] & ~people.organisation[events.customer]
    channel = np.array([CHANNELS.index(EVENT_CHANNELS.get(name, "app")) for name in EVENTS])[events.name]
    by_app &= (channel == CHANNELS.index("app")) | ~people.in_core[events.customer]
    return {
        "event_id": row_ids("E", chunk, number.size),
        "source_system": coded(by_app.astype(np.int64), ["core", "app"]),
        "source_id": pc.if_else(pa.array(by_app), app_ids(number), core_ids(number)),
        "at": timestamps(events.day, events.second, bank.calendar.first),
        "name": coded(events.name, EVENTS),
        "channel": coded(channel, CHANNELS),
        "properties": coded(events.properties, PROPERTY_TEXTS),
    }

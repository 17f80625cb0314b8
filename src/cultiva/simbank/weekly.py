"""The facts of one living week as columns: movements, balances, contacts, outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cultiva.simbank.archetypes import CHANNELS, KINDS
from cultiva.simbank.arrays import NONE, Flags, Ints, coded, dates, money, numbered, timestamps
from cultiva.simbank.bookings import CARD, CENTS, OWED, Booked
from cultiva.simbank.kinship import counterparts
from cultiva.simbank.living import CONTACT_STATUS, ChannelTerms, Happened, OfferBook
from cultiva.simbank.movements import KIND
from cultiva.simbank.standing import Standing, current_account
from cultiva.simbank.tables import Columns, account_ids, app_ids, card_limits, core_ids, merchants_of, movement_channels

ROWS_PER_WEEK = 10**8
WEEKS_FROM = 1_000
"""Numbers of facts of the living weeks begin above those of any history: week 0 is chunk 1,000."""
OUTCOME_OF = {"product": "product_opened", "benefit": "benefit_used", "content": "responded", "service": "responded"}
WITHIN_SHARE = 0.4
"""Share of transfers that stay within the bank: household, employer, friends."""


@dataclass(frozen=True)
class Naming:
    """How the workspace calls what touches are made of."""

    offers: OfferBook
    channels: Sequence[ChannelTerms]
    strategies: Sequence[str]


def fact_ids(prefix: str, week: int, rows: int) -> Any:
    """Ids of the facts of a week."""
    return numbered(prefix, (WEEKS_FROM + week) * ROWS_PER_WEEK + np.arange(rows), 13)


def party_of(standing: Standing, customers: Ints, *, by_app: Flags | None = None) -> Columns:
    """Source system and id of customers: the core's where it knows them, else the app's.

    Args:
        standing: Who is registered.
        customers: Whom.
        by_app: Rows that the app reports, so that its id is given.
    """
    core = standing.registered[customers]
    core = core if by_app is None else core & ~by_app
    return {
        "source_system": coded(1 - core.astype(np.int64), ["core", "app"]),
        "source_id": pc.if_else(pa.array(core), core_ids(customers), app_ids(customers)),
    }


def transaction_columns(
    rng: np.random.Generator, standing: Standing, booked: Booked, *, week: int, first: date
) -> Columns:
    """Movements, as a history has them; `week` is the number of the week, `first` the bank's day 0."""
    who, rows = booked.customer, booked.customer.size
    channel = movement_channels(rng, booked.kind, standing.people.uses_app[who])
    return {
        "transaction_id": fact_ids("T", week, rows),
        "account_id": account_ids(0, standing.number[who, booked.product]),
        "at": timestamps(booked.day, booked.second, first),
        "amount": money(booked.cents),
        "kind": coded(booked.kind, KINDS),
        "channel": coded(channel, CHANNELS),
        "counterparty_account": account_ids(0, _counterparties(rng, standing, booked)),
        "merchant_id": merchants_of(rng, booked.kind),
    }


def _counterparties(rng: np.random.Generator, standing: Standing, booked: Booked) -> Ints:
    """The own account on the other side, the employer's for a salary, a relative's or friend's for two in five."""
    people, who = standing.people, booked.customer
    own = np.where(booked.other == NONE, NONE, standing.number[who, np.maximum(booked.other, 0)])
    paid_by = np.where(booked.kind == KIND["salary"], current_account(standing.number, people.employer[who]), NONE)
    transfer = np.isin(booked.kind, [KIND["transfer_in"], KIND["transfer_out"]]) & (booked.other == NONE)
    within = transfer & (rng.random(who.size) < WITHIN_SHARE)
    links = (people.partner, people.parent, people.referrer)
    friend = counterparts(rng.integers(0, 2**40, who.size), who, links)
    friend = np.where(friend == who, NONE, friend)
    return np.where(own != NONE, own, np.where(within, current_account(standing.number, friend), paid_by))


def balance_columns(
    standing: Standing, booked: Booked, before: Ints, new: Flags, *, days: Ints, first: date
) -> Columns:
    """Balances at the end of every day with a movement, and those of new accounts without any.

    Args:
        standing: Accounts after the week.
        booked: The week's movements by account and time.
        before: Cents of the last delivery, shape (n, products).
        new: Accounts opened in the week.
        days: Their days of opening, shape (n, products).
        first: The bank's day 0.
    """
    products = before.shape[1]
    account = booked.customer * products + booked.product
    starts = np.flatnonzero(np.diff(account, prepend=-1))
    total = np.cumsum(booked.cents)
    earlier = np.where(starts > 0, total[starts - 1], 0)
    running = total - np.repeat(earlier, np.diff(np.append(starts, account.size)))
    owed = OWED[booked.product]
    owed_after = before.ravel()[account] + np.where(owed, -running, running)
    last = np.append((np.diff(account) != 0) | (np.diff(booked.day) != 0), account.size > 0)
    silent = new.ravel().copy()
    silent[account] = False
    extra = np.flatnonzero(silent)
    where = np.concatenate([account[last], extra])
    day = np.concatenate([booked.day[last], days.ravel()[extra]])
    cents = np.concatenate([owed_after[last], np.zeros(extra.size, dtype=np.int64)])
    card = where % products == CARD
    return {
        "account_id": account_ids(0, standing.number.ravel()[where]),
        "date": dates(day, first),
        "balance": money(np.where(card, -cents, cents)),
        "limit": money(card_limits(standing.people.income[where // products]), card),
    }


def contact_columns(standing: Standing, happened: Happened, naming: Naming, *, week: int, first: date) -> Columns:
    """What became of the touches."""
    touches, contacts = happened.contacts.touches, happened.contacts
    rows = len(touches)
    return {
        "touch_id": fact_ids("K", week, rows),
        **party_of(standing, touches.customer),
        "at": timestamps(touches.day, contacts.second, first),
        "channel": coded(touches.channel, [channel.name for channel in naming.channels]),
        "strategy": coded(touches.strategy, naming.strategies),
        "offer": coded(touches.offer, [offer.name for offer in naming.offers]),
        "wave": coded(np.zeros(rows, dtype=np.int64), ["1"]),
        "status": coded(contacts.status, CONTACT_STATUS),
    }


def outcome_columns(standing: Standing, happened: Happened, naming: Naming, *, week: int, first: date) -> Columns:
    """Offers taken up, with and without a touch."""
    taken = happened.conversions
    names = sorted(set(OUTCOME_OF.values()))
    name = np.array([names.index(OUTCOME_OF.get(offer.kind, "responded")) for offer in naming.offers], dtype=np.int64)
    product = taken.product != NONE
    return {
        "outcome_id": fact_ids("O", week, taken.customer.size),
        **party_of(standing, taken.customer),
        "at": timestamps(taken.day, taken.second, first),
        "name": coded(np.where(product, names.index(OUTCOME_OF["product"]), name[taken.offer]), names),
        "amount": money(np.rint(taken.amount * CENTS).astype(np.int64), product),
    }

"""What a history leaves behind, so that the bank can live on from it without a seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import EPOCH, NONE, Flags, Floats, Ints
from cultiva.simbank.behaviour.founding import found_state
from cultiva.simbank.behaviour.nature import Nature
from cultiva.simbank.bookings import CARD, CENTS, Books
from cultiva.simbank.doings import EVENT
from cultiva.simbank.history import Drawn
from cultiva.simbank.living import ChannelTerms, State
from cultiva.simbank.population import NEVER, Bank, Population, together
from cultiva.simbank.standing import Standing
from cultiva.simbank.tables import ACCOUNTS_PER_CHUNK, Columns
from cultiva.simbank.voices import CONTACT_CHANNELS
from cultiva.simbank.world import World

DAYS_PER_WEEK = 7
COMPLAINT_DAYS = 365
"""Older complaints are forgotten."""


@dataclass(frozen=True)
class Legacy:
    """What one chunk of a history leaves; tables have shape (customers, products or channels)."""

    people: Population
    number: Ints
    opened: Ints
    closed: Ints
    cents: Ints
    """Last delivered balance; what is owed is positive."""
    consent: Flags
    """By CONTACT_CHANNELS."""
    touched: Floats
    """Touches by CONTACT_CHANNELS, faded by their age."""
    complaints: Ints
    """Complaints open."""
    complained: Ints
    """Day of the last complaint, or NEVER."""
    prospects: Any
    """Arrow table of what there is to know of those who are not registered."""


def keep_legacy(bank: Bank, drawn: Drawn, chunk: int, *, stays: float) -> Legacy:
    """Keeps what living on needs of a chunk.

    Args:
        bank: The bank.
        drawn: The chunk.
        chunk: Its number.
        stays: Share of the fatigue that is left after a week.
    """
    people, accounts, last = drawn.people, drawn.accounts, bank.calendar.last
    owner, product = accounts.owner, accounts.product
    tables = [np.full((len(people), len(PRODUCTS)), NEVER, dtype=np.int64) for _ in range(2)]
    tables[0][owner, product] = accounts.opened
    tables[1][owner, product] = accounts.closed
    number = np.where(accounts.of == NONE, NONE, chunk * ACCOUNTS_PER_CHUNK + accounts.of)
    opened = np.flatnonzero(drawn.events.name == EVENT["complaint_opened"])
    lately = opened[drawn.events.day[opened] > last - COMPLAINT_DAYS]
    complained = np.full(len(people), -1, dtype=np.int64)
    np.maximum.at(complained, drawn.events.customer[lately], drawn.events.day[lately])
    unsolved = _open_complaints(drawn, last)
    return Legacy(
        people=people,
        number=number,
        opened=tables[0],
        closed=tables[1],
        cents=_last_balances(drawn),
        consent=_consents(drawn.columns["consent"], people),
        touched=_touched(drawn.columns["contact"], people, bank, stays),
        complaints=unsolved,
        complained=np.where((unsolved > 0) & (complained >= 0), complained, NEVER),
        prospects=_prospects(drawn.facts, people),
    )


def _open_complaints(drawn: Drawn, last: int) -> Ints:
    """More opened than closed within a year."""
    events, n = drawn.events, len(drawn.people)
    lately = events.day > last - COMPLAINT_DAYS
    balance = np.bincount(events.customer[lately & (events.name == EVENT["complaint_opened"])], minlength=n)
    balance -= np.bincount(events.customer[lately & (events.name == EVENT["complaint_closed"])], minlength=n)
    return np.maximum(balance, 0)


def _last_balances(drawn: Drawn) -> Ints:
    """Balances come sorted by account and day: the last of each account."""
    balances, accounts = drawn.balances, drawn.accounts
    cents = np.zeros((len(drawn.people), len(PRODUCTS)), dtype=np.int64)
    last = np.flatnonzero(np.append(np.diff(balances.account) != 0, balances.account.size > 0))
    which = balances.account[last]
    cents[accounts.owner[which], accounts.product[which]] = balances.cents[last]
    cents[:, CARD] = -cents[:, CARD]
    return cents


def customers_of(ids: Any, start: int) -> Ints:
    """Customers by ids of the core system."""
    numbers: Ints = pc.utf8_slice_codeunits(ids, 1).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers - start


def _codes(column: Any) -> Ints:
    return np.asarray(column.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _consents(columns: Columns, people: Population) -> Flags:
    consent = np.zeros((len(people), len(CONTACT_CHANNELS)), dtype=np.bool_)
    who = customers_of(columns["source_id"], people.start)
    consent[who, _codes(columns["channel"])] = columns["granted"].to_numpy(zero_copy_only=False)
    return consent


def _touched(columns: Columns, people: Population, bank: Bank, stays: float) -> Floats:
    who, channel = customers_of(columns["source_id"], people.start), _codes(columns["channel"])
    day = columns["at"].to_numpy(zero_copy_only=False).astype("datetime64[D]").astype(np.int64)
    age = (bank.calendar.last + (bank.calendar.first - EPOCH).days - day) // DAYS_PER_WEEK
    channels = len(CONTACT_CHANNELS)
    faded = stays ** np.maximum(age, 0).astype(np.float64)
    flat = np.bincount(who * channels + channel, faded, len(people) * channels)
    return flat.astype(np.float64).reshape(-1, channels)


def _prospects(facts: Columns, people: Population) -> Any:
    unknown = pa.array(~people.in_core)
    table = pa.table({"customer": pa.array(people.start + np.arange(len(people)))} | facts).filter(unknown)
    return pa.table({name: _plain(table.column(name)) for name in table.column_names})


def _plain(column: Any) -> Any:
    whole = column.combine_chunks()
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def found_standing(legacies: Sequence[Legacy]) -> Standing:
    """What the systems know at the end of the history."""
    people = together([legacy.people for legacy in legacies])
    cents = np.concatenate([legacy.cents for legacy in legacies])
    nothing = np.zeros(cents.shape)
    return Standing(
        people=people,
        registered=people.in_core.copy(),
        number=np.concatenate([legacy.number for legacy in legacies]),
        books=Books(cents, nothing, nothing.copy()),
        complaints=np.concatenate([legacy.complaints for legacy in legacies]),
        accounts=0,
    )


def first_state(  # noqa: PLR0913  (a world, its people, and what their history left)
    world: World,
    nature: Nature,
    standing: Standing,
    legacies: Sequence[Legacy],
    channels: Sequence[ChannelTerms],
    *,
    day: int,
    seed: int,
) -> State:
    """The state at the end of the history: balances, dates, consents and complaints as they were delivered."""
    whole = {name: np.concatenate([getattr(legacy, name) for legacy in legacies])
             for name in ("opened", "closed", "consent", "complained", "touched")}  # fmt: skip
    state = found_state(
        world,
        nature,
        standing.people,
        opened=whole["opened"],
        closed=whole["closed"],
        balance=standing.books.cents / CENTS,
        day=day,
        seed=seed,
    )
    places = [CONTACT_CHANNELS.index(one.name) if one.name in CONTACT_CHANNELS else NONE for one in channels]
    consent = state.consent.copy()
    fatigue = np.zeros(len(standing))
    for column, place in enumerate(places):
        known = standing.registered
        consent[known, column] = whole["consent"][known, place] if place != NONE else False
        if place != NONE:
            tiring = world.channel(channels[column].name, human=channels[column].human).tiring
            fatigue += tiring * whole["touched"][:, place]
    return replace(state, consent=consent, fatigue=fatigue, complaint=whole["complained"])

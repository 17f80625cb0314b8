"""A bank that lives on: week by week it does what it is asked, its customers live, and its systems deliver."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cultiva.simbank.arrays import NONE, Flags, Ints
from cultiva.simbank.behaviour.draws import Draws
from cultiva.simbank.behaviour.nature import Nature, draw_nature
from cultiva.simbank.behaviour.week import advance
from cultiva.simbank.bookings import DAYS_PER_WEEK, Week, book_week
from cultiva.simbank.chronicle import write_people, write_week
from cultiva.simbank.delivery import Delivery
from cultiva.simbank.doings_weekly import event_columns, open_complaints, survey_columns, week_events
from cultiva.simbank.founding import Legacy, first_state, found_standing, keep_legacy
from cultiva.simbank.history import History
from cultiva.simbank.living import ChannelTerms, Happened, OfferBook, State
from cultiva.simbank.mix import USUAL, Mix
from cultiva.simbank.proposals import customers_by_id, read_touches
from cultiva.simbank.sample import check_size
from cultiva.simbank.saved import (
    LIVED,
    Charter,
    forget_before,
    load_day,
    load_drawn,
    next_week,
    read_charter,
    renamed,
    save_day,
    save_drawn,
    write_charter,
)
from cultiva.simbank.snapshots import Turn, registered_after, write_snapshots
from cultiva.simbank.standing import Standing, numbered_accounts
from cultiva.simbank.tables import Columns
from cultiva.simbank.weekly import (
    Naming,
    balance_columns,
    contact_columns,
    outcome_columns,
    transaction_columns,
)
from cultiva.simbank.world import World, load_world

_FOUNDING = ".founding"
_STREAM = 77
"""Of the chance that has no consequences: kinds and times of movements, sessions, typing errors."""


class LivingBank:
    """A simulated bank at the end of a business date; made by `found_bank` or `open_bank`."""

    def __init__(self, folder: Path, charter: Charter) -> None:
        self.folder = folder
        self._charter = charter
        people, self._prospects = load_drawn(folder)
        self._standing, self._states = load_day(folder, charter.business_date, people)
        self.nature: Nature = _nature(charter, self._standing)
        """What the customers are like; for the truth only."""

    @property
    def business_date(self) -> date:
        """Business date of the last delivery."""
        return self._charter.business_date

    @property
    def world(self) -> World:
        """The world that it lives in."""
        return self._charter.world

    @property
    def week(self) -> int:
        """Weeks lived, which is the number of the week to come in `Draws`."""
        return self._charter.week

    @property
    def state(self) -> State:
        """What the customers are like today; for the truth only."""
        return self._states[LIVED]

    @property
    def naming(self) -> Naming:
        """What its offers, channels and strategies are called."""
        return self._charter.naming

    def __len__(self) -> int:
        return self._charter.customers

    def delivery(self, day: date) -> Path:
        """Folder of the delivery of a business date."""
        return self.folder / "deliveries" / day.isoformat()

    def customers(self, systems: Any, ids: Any) -> Ints:
        """Rows of the state that party records belong to; Arrow texts such as `core` and `C00000042`.

        Raises:
            CultivaError: If an id is none of this bank's.
        """
        return customers_by_id(systems, ids, len(self))

    def live_week(self, touches: Any) -> date:
        """Lives seven days and delivers what they brought.

        The same week lived twice, on the same machine or another, gives the same files.

        Args:
            touches: Arrow table or polars frame with columns source_system, source_id, strategy, offer, channel:
                what the bank's execution is asked to carry out; one row per proposal.

        Returns:
            The new business date.

        Raises:
            CultivaError: If a touch names what the bank does not know.
        """
        n = len(self)
        asked = read_touches(touches, self.naming, n=n, begins=self.state.day + 1)
        draws = Draws.of(self._charter.seed, self.week, n)
        happened = advance(self.world, self.nature, self.state, asked, draws)
        day = self.business_date + timedelta(days=DAYS_PER_WEEK)
        standing = self._deliver(day, happened)
        states = write_week(
            self.folder,
            day,
            self._charter,
            nature=self.nature,
            states=self._states,
            happened=happened,
            draws=draws,
        )
        save_day(self.folder, day, standing, states)
        self._charter = next_week(self._charter, day)
        write_charter(self.folder, self._charter)
        self._standing, self._states = standing, states
        forget_before(self.folder, day)
        return day

    def _deliver(self, day: date, happened: Happened) -> Standing:
        """Writes the week's files beside and names them; the systems' knowledge after it."""
        charter, before = self._charter, self._standing
        first = charter.bank.calendar.first
        rng = np.random.default_rng([charter.seed, _STREAM, self.week])
        number, new, accounts = numbered_accounts(before, happened.before, happened.after)
        registered = registered_after(before.registered, happened.after)
        week = Week(before.people, self.nature.pay_day, first, happened, _taken(happened))
        booked, books = book_week(rng, week, before.books)
        standing = Standing(before.people, registered, number, books, open_complaints(week, before), accounts)
        doings = week_events(
            rng, week, replace(standing, complaints=before.complaints), charter.naming,
            transactions=charter.transactions_per_customer,
        )  # fmt: skip
        facts: dict[str, Columns] = {
            "transaction": transaction_columns(rng, standing, booked, week=self.week, first=first),
            "balance": balance_columns(
                standing, booked, before.books.cents * ~new, new, days=happened.after.opened, first=first
            ),
            "event": event_columns(standing, doings, charter.naming, week, self.week),
            "contact": contact_columns(standing, happened, charter.naming, week=self.week, first=first),
            "outcome": outcome_columns(standing, happened, charter.naming, week=self.week, first=first),
            "survey_answer": survey_columns(rng, standing, week, self.week),
        }
        beside = self.delivery(day).with_name(f".{day.isoformat()}.new")
        shutil.rmtree(beside, ignore_errors=True)
        with Delivery(beside, parquet=False) as delivery:
            for name, columns in facts.items():
                delivery.append(name, delivery.prepare(name, columns, rng))
        turn = Turn(happened.before, happened.after, standing, before.registered, new, first, rng)
        channels = tuple(charter.naming.channels)
        write_snapshots(self.delivery(self.business_date), beside, turn, channels, self._prospects)
        renamed(beside, self.delivery(day))
        return standing


def _taken(happened: Happened) -> Flags:
    """Products taken up in the week, shape (n, products)."""
    taken = happened.conversions
    rows = np.flatnonzero(taken.product != NONE)
    flags = np.zeros(happened.after.balance.shape, dtype=np.bool_)
    flags[taken.customer[rows], taken.product[rows]] = True
    return flags


def _nature(charter: Charter, standing: Standing) -> Nature:
    naming = charter.naming
    return draw_nature(
        charter.world,
        standing.people,
        offers=naming.offers,
        channels=naming.channels,
        seed=charter.seed,
        first=charter.bank.calendar.first,
    )


def found_bank(  # noqa: PLR0913  (what a bank is founded with)
    folder: Path,
    world: World | str,
    *,
    customers: int,
    seed: int,
    first_day: date,
    offers: OfferBook,
    channels: Sequence[ChannelTerms],
    strategies: Sequence[str],
    mix: Mix = USUAL,
    progress: Callable[[int, int], None] | None = None,
) -> LivingBank:
    """Founds a bank: fifteen months of history until `first_day`, delivered on that day; a bank in the folder goes.

    Args:
        folder: Where the bank lives: `deliveries/<date>/`, its state, and `truth/`.
        world: A world, its name, or the path of its file.
        customers: 100 to 10 million.
        seed: Equal arguments give equal files.
        first_day: Business date of the first delivery.
        offers: Every offer that touches may name.
        channels: Every channel.
        strategies: Every strategy.
        mix: Who banks here, how well off, and how much moves.
        progress: Told how many customers are written, and of how many.

    Raises:
        CultivaError: If the number of customers is out of range, or there is no such world.
    """
    check_size(customers)
    naming = Naming(tuple(offers), tuple(channels), tuple(strategies))
    known = world if isinstance(world, World) else load_world(world)
    charter = Charter(known, customers, seed, first_day, first_day, 0, mix.transactions, naming)
    bank = replace(charter.bank, mix=mix)
    (folder / "bank.json").unlink(missing_ok=True)
    for name in ("truth", "deliveries", "state", "drawn", _FOUNDING):
        shutil.rmtree(folder / name, ignore_errors=True)
    legacies: list[Legacy] = []
    done = 0
    beside = folder / "deliveries" / f".{first_day.isoformat()}.new"
    with Delivery(beside, parquet=False) as delivery:
        for drawn in History(bank, seed, lives_on=True).write(delivery):
            legacies.append(keep_legacy(bank, drawn, len(legacies), stays=known.fatigue.stays))
            done += len(drawn.people)
            if progress is not None:
                progress(done, customers)
    renamed(beside, folder / "deliveries" / first_day.isoformat())
    standing = found_standing(legacies)
    save_drawn(folder, standing.people, pa.concat_tables([legacy.prospects for legacy in legacies]))
    day = bank.calendar.last
    state = first_state(known, _nature(charter, standing), standing, legacies, channels, day=day, seed=seed)
    save_day(folder, first_day, standing, {LIVED: state})
    write_people(folder / _FOUNDING, standing.people)
    write_charter(folder, charter)
    _finish_founding(folder)
    return LivingBank(folder, charter)


def _finish_founding(folder: Path) -> None:
    """Gives the truth its place at the very end: where there is a truth, there is a whole bank."""
    if (folder / _FOUNDING).exists():
        renamed(folder / _FOUNDING / "truth", folder / "truth")
        (folder / _FOUNDING).rmdir()


def open_bank(folder: Path) -> LivingBank:
    """Opens a bank where it stopped, after a kill as well.

    Raises:
        CultivaError: If there is no bank in the folder.
    """
    charter = read_charter(folder)
    _finish_founding(folder)
    for path in (folder / "deliveries").iterdir():  # weeks that were not finished
        if path.name.startswith(".") or path.name > charter.business_date.isoformat():
            shutil.rmtree(path)
    forget_before(folder, charter.business_date)
    return LivingBank(folder, charter)


def nothing_asked() -> Any:
    """Touches of a week in which the bank does nothing, for `LivingBank.live_week`."""
    names = ("source_system", "source_id", "strategy", "offer", "channel")
    return pa.table({name: pa.array([], pa.string()) for name in names})

"""Where a living bank keeps itself: what was drawn once, one folder per day lived, and which day it is.

A week is written beside the last one and then named; the small file `bank.json` that says which day it is, replaced
at the very end, decides. Killed at any point, the bank is where it was before the week or after it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.simbank.bookings import Books
from cultiva.simbank.living import ChannelTerms, OfferTerms, State
from cultiva.simbank.population import Bank, Calendar, Population
from cultiva.simbank.standing import Standing
from cultiva.simbank.weekly import Naming
from cultiva.simbank.world import World

FORMAT = 1
_POINTER = "bank.json"
LIVED = "lived"
"""Name of the bank's own state beside those of its twins."""
_TWIN, _ROWS = "twin-", "rows"


@dataclass(frozen=True)
class Charter:
    """What a living bank was founded with, and which day it is."""

    world: World
    customers: int
    seed: int
    first_day: date
    """Business date of the first delivery."""
    business_date: date
    """Business date of the last delivery."""
    week: int
    """Weeks lived since the first delivery."""
    transactions_per_customer: float
    naming: Naming

    @property
    def bank(self) -> Bank:
        """The size of the bank and the calendar of its history."""
        return Bank(self.customers, Calendar(self.first_day), self.transactions_per_customer)


def write_charter(folder: Path, charter: Charter) -> None:
    """Says which day it is; until then nothing of the day counts."""
    naming = charter.naming
    told = {
        "format": FORMAT,
        "world": charter.world.model_dump(mode="json"),
        "customers": charter.customers,
        "seed": charter.seed,
        "first_day": charter.first_day.isoformat(),
        "business_date": charter.business_date.isoformat(),
        "week": charter.week,
        "transactions_per_customer": charter.transactions_per_customer,
        "offers": [asdict(offer) for offer in naming.offers],
        "channels": [asdict(channel) for channel in naming.channels],
        "strategies": list(naming.strategies),
    }
    beside = folder / f"{_POINTER}.new"
    with beside.open("w", encoding="utf-8") as sink:
        json.dump(told, sink, ensure_ascii=False, indent=1)
        sink.flush()
        os.fsync(sink.fileno())
    beside.replace(folder / _POINTER)


def read_charter(folder: Path) -> Charter:
    """Reads which day it is.

    Raises:
        CultivaError: If there is no bank in the folder, or one of another format.
    """
    path = folder / _POINTER
    if not path.exists():
        raise CultivaError(
            "there is no simulated bank in this folder",
            code="simbank.missing",
            kind=ErrorKind.NOT_FOUND,
            seen=str(folder),
            allowed=f"a folder with {_POINTER}",
            hint="found one first, with found_bank",
        )
    told = json.loads(path.read_text(encoding="utf-8"))
    if told.get("format") != FORMAT:
        raise CultivaError(
            "this simulated bank was written by another version",
            code="simbank.format",
            kind=ErrorKind.CONFLICT,
            seen=told.get("format"),
            allowed=str(FORMAT),
            hint="found the bank again",
        )
    return Charter(
        world=World.model_validate(told["world"]),
        customers=told["customers"],
        seed=told["seed"],
        first_day=date.fromisoformat(told["first_day"]),
        business_date=date.fromisoformat(told["business_date"]),
        week=told["week"],
        transactions_per_customer=told["transactions_per_customer"],
        naming=Naming(
            tuple(OfferTerms(**offer) for offer in told["offers"]),
            tuple(ChannelTerms(**channel) for channel in told["channels"]),
            tuple(told["strategies"]),
        ),
    )


def renamed(beside: Path, target: Path) -> None:
    """Gives a finished folder its name; one of that name that a killed week left is replaced."""
    if target.exists():
        shutil.rmtree(target)
    beside.rename(target)


def state_folder(folder: Path, day: date) -> Path:
    """Where a day's state is kept."""
    return folder / "state" / day.isoformat()


def save_drawn(folder: Path, people: Population, prospects: Any) -> None:
    """Keeps what was drawn once."""
    kept = folder / "drawn"
    kept.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {column.name: getattr(people, column.name) for column in fields(Population)}
    np.savez(kept / "people.npz", **arrays)
    pq.write_table(prospects, kept / "prospects.parquet", compression="zstd")


def load_drawn(folder: Path) -> tuple[Population, Any]:
    """Reads what was drawn once."""
    columns = _arrays(folder / "drawn" / "people.npz")
    columns["start"] = int(columns["start"])
    return Population(**columns), pq.read_table(folder / "drawn" / "prospects.parquet")


def save_day(folder: Path, day: date, standing: Standing, states: Mapping[str, State]) -> None:
    """Keeps the end of a day: what the systems know, and the states by name.

    Of the twins only the customers are kept whose state differs from that of the bank itself (LIVED).
    """
    target = state_folder(folder, day)
    beside = target.with_name(f"{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    books = standing.books
    np.savez(
        beside / "standing.npz",
        registered=standing.registered,
        number=standing.number,
        cents=books.cents,
        own=books.own,
        fresh=books.fresh,
        complaints=standing.complaints,
        accounts=np.array(standing.accounts),
    )
    lived = _columns(states[LIVED])
    np.savez(beside / f"{LIVED}.npz", **lived)
    for name, state in states.items():
        if name != LIVED:
            np.savez(beside / f"{_TWIN}{name}.npz", **_apart(lived, _columns(state)))
    renamed(beside, target)


def _columns(state: State) -> dict[str, Any]:
    return {column.name: np.asarray(getattr(state, column.name)) for column in fields(State)}


def _apart(lived: Mapping[str, Any], twin: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a twin that differ in anything, and which they are."""
    differs = np.zeros(lived["left"].size, dtype=np.bool_)
    for name, values in twin.items():
        if values.ndim:
            unequal = values != lived[name]
            differs |= unequal if values.ndim == 1 else unequal.any(axis=1)
    rows = np.flatnonzero(differs)
    return {_ROWS: rows} | {name: values[rows] for name, values in twin.items() if values.ndim}


def load_day(folder: Path, day: date, people: Population) -> tuple[Standing, dict[str, State]]:
    """Reads the end of a day."""
    kept = state_folder(folder, day)
    read, lived = _arrays(kept / "standing.npz"), _arrays(kept / f"{LIVED}.npz")
    lived["day"] = int(lived["day"])
    states = {LIVED: State(**lived)}
    for path in sorted(kept.glob(f"{_TWIN}*.npz")):
        apart = _arrays(path)
        rows = apart.pop(_ROWS)
        columns = {"day": lived["day"]} | {name: lived[name].copy() for name in apart}
        for name, values in apart.items():
            columns[name][rows] = values
        states[path.stem.removeprefix(_TWIN)] = State(**columns)
    standing = Standing(
        people=people,
        registered=read["registered"],
        number=read["number"],
        books=Books(read["cents"], read["own"], read["fresh"]),
        complaints=read["complaints"],
        accounts=int(read["accounts"]),
    )
    return standing, states


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def forget_before(folder: Path, day: date) -> None:
    """Removes the states of earlier days, and what killed weeks left."""
    for path in (folder / "state").iterdir():
        if path.name != day.isoformat():
            shutil.rmtree(path, ignore_errors=True)


def next_week(charter: Charter, day: date) -> Charter:
    """The same bank a week later."""
    return replace(charter, business_date=day, week=charter.week + 1)

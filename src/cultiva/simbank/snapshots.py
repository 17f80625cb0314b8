"""Snapshots of a living bank: the last delivery's files, with what has changed in the week."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv

from cultiva.simbank.archetypes import PRODUCTS
from cultiva.simbank.arrays import Flags, Ints, coded, dates, timestamps
from cultiva.simbank.bookings import DAYS_PER_WEEK
from cultiva.simbank.delivery import as_text
from cultiva.simbank.dirt import spoil
from cultiva.simbank.living import ChannelTerms, State
from cultiva.simbank.standing import Standing
from cultiva.simbank.tables import Columns, account_ids, branch_ids, core_ids

UNCHANGED = ("party_app", "relationship", "product", "branch", "staff", "partner", "merchant")
_NOON = 12 * 3600


@dataclass(frozen=True)
class Turn:
    """One week as the registers see it."""

    before: State
    after: State
    standing: Standing
    """After the week."""
    registered: Flags
    """Before it."""
    new: Flags
    """Accounts opened in the week, shape (n, products)."""
    first: date
    """The bank's day 0."""
    rng: np.random.Generator

    @property
    def closed(self) -> Flags:
        """Accounts of the last delivery that were closed in the week."""
        after = self.after.closed
        return (after != self.before.closed) & (after > self.before.day) & (after <= self.after.day)


def write_snapshots(last: Path, folder: Path, turn: Turn, channels: tuple[ChannelTerms, ...], prospects: Any) -> None:
    """Writes the snapshots of a week.

    Args:
        last: Folder of the last delivery.
        folder: Folder of this one.
        turn: The week.
        channels: In the order of the state's consents.
        prospects: Arrow table of what there is to know of those who may yet register.
    """
    for name in UNCHANGED:
        shutil.copyfile(last / f"{name}.csv", folder / f"{name}.csv")
    joined = turn.standing.registered & ~turn.registered
    _append(last, folder, "party_core", _registered(turn, prospects, np.flatnonzero(joined)), turn)
    _write_accounts(last, folder, turn)
    _append(last, folder, "holder", _new_holders(turn), turn)
    _write_consents(last, folder, turn, channels, joined)


def _read(folder: Path, name: str) -> Any:
    """A text file as it is: every column text, nothing taken for a null but an empty field."""
    with (folder / f"{name}.csv").open(encoding="utf-8") as lines:
        header = [column.strip('"') for column in lines.readline().rstrip("\n").split(",")]
    types = dict.fromkeys(header, pa.string())
    convert = pc_csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    return pc_csv.read_csv(folder / f"{name}.csv", convert_options=convert)


def _write(folder: Path, name: str, table: Any) -> None:
    pc_csv.write_csv(table, folder / f"{name}.csv", write_options=pc_csv.WriteOptions(quoting_style="needed"))


def _append(last: Path, folder: Path, name: str, columns: Columns | None, turn: Turn) -> None:
    """The last file with new rows at its end."""
    target = folder / f"{name}.csv"
    shutil.copyfile(last / f"{name}.csv", target)
    if columns is None or len(next(iter(columns.values()))) == 0:
        return
    table = _texts(name, columns, turn)
    options = pc_csv.WriteOptions(include_header=False, quoting_style="needed")
    with target.open("ab") as sink:
        pc_csv.write_csv(table, sink, write_options=options)


def _texts(name: str, columns: Columns, turn: Turn) -> Any:
    """New rows as text, with the faults that new rows have."""
    table = pa.table({column: as_text(values) for column, values in columns.items()})
    return spoil(name, table, turn.rng, typed=False)


def _registered(turn: Turn, prospects: Any, joined: Ints) -> Columns | None:
    """What the core system writes down of those who joined."""
    if joined.size == 0:
        return None
    known = prospects.column("customer").to_numpy()
    rows = prospects.take(pa.array(np.searchsorted(known, joined)))
    columns = {name: rows.column(name).combine_chunks() for name in rows.column_names if name != "customer"}
    return columns | {"opened_on": dates(turn.after.opened[joined, 0], turn.first)}


def _write_accounts(last: Path, folder: Path, turn: Turn) -> None:
    table = _read(last, "account")
    who, product = np.nonzero(turn.closed & ~turn.new)
    ids = account_ids(0, turn.standing.number[who, product])
    table = _closed(table, ids, dates(turn.after.closed[who, product], turn.first).cast(pa.string()))
    again = np.nonzero(turn.new)
    opened, closed = turn.after.opened[again], turn.after.closed[again]
    ended = closed <= turn.after.day
    columns = {
        "account_id": account_ids(0, turn.standing.number[again]),
        "product_id": coded(again[1], [one.product_id for one in PRODUCTS]),
        "branch_id": branch_ids(turn.standing.people.branch[again[0]]),
        "opened_on": dates(opened, turn.first),
        "closed_on": dates(np.where(ended, closed, 0), turn.first, ended),
        "currency": coded(np.zeros(opened.size, dtype=np.int64), ["CNY"]),
        "status": coded(ended.astype(np.int64), ["active", "closed"]),
    }
    _write(folder, "account", pa.concat_tables([table, _texts("account", columns, turn)]))


def _closed(table: Any, ids: Any, days: Any) -> Any:
    """The same accounts, some of them closed."""
    place = pc.index_in(table.column("account_id"), value_set=ids)
    hit = pc.is_valid(place)
    status = pc.if_else(hit, "closed", table.column("status"))
    closed_on = pc.if_else(hit, pc.take(days, place), table.column("closed_on"))
    table = table.set_column(table.schema.get_field_index("status"), "status", status)
    return table.set_column(table.schema.get_field_index("closed_on"), "closed_on", closed_on)


def _new_holders(turn: Turn) -> Columns:
    who, product = np.nonzero(turn.new)
    return {
        "account_id": account_ids(0, turn.standing.number[who, product]),
        "source_system": coded(np.zeros_like(who), ["core"]),
        "source_id": core_ids(who),
        "role": coded(np.zeros_like(who), ["owner"]),
    }


def _write_consents(last: Path, folder: Path, turn: Turn, channels: tuple[ChannelTerms, ...], joined: Flags) -> None:
    """Consents withdrawn and given; those who join say at once what they agree to."""
    table = _read(last, "consent")
    names = [channel.name for channel in channels]
    changed = (turn.before.consent != turn.after.consent) & (turn.registered | joined)[:, None]
    changed |= turn.after.consent & joined[:, None]
    who, channel = np.nonzero(changed)
    rows = _consents(turn, names, who, channel)
    key = [pc.binary_join_element_wise(one["source_id"], one["channel"], "/") for one in (table, rows)]
    place = pc.index_in(key[0], value_set=key[1])
    hit = pc.is_valid(place)
    for column in ("granted", "at", "evidence"):
        new = pc.if_else(hit, pc.take(rows.column(column), place), table.column(column))
        table = table.set_column(table.schema.get_field_index(column), column, new)
    fresh = rows.filter(pc.invert(pc.is_in(key[1], value_set=pc.drop_null(key[0]))))
    _write(folder, "consent", pa.concat_tables([table, spoil("consent", fresh, turn.rng, typed=False)]))


def _consents(turn: Turn, names: list[str], who: Ints, channel: Ints) -> Any:
    day = np.full(who.size, turn.after.day)
    stamp = (turn.first + timedelta(days=int(turn.after.day))).strftime("%Y%m%d")
    columns = {
        "source_system": coded(np.zeros_like(who), ["core"]),
        "source_id": core_ids(who),
        "purpose": coded(np.zeros_like(who), ["marketing"]),
        "channel": coded(channel, names),
        "granted": pa.array(turn.after.consent[who, channel]),
        "at": timestamps(day, np.full(who.size, _NOON), turn.first),
        "evidence": pc.binary_join_element_wise(core_ids(who), stamp, "-"),
    }
    return pa.table({name: as_text(values) for name, values in columns.items()})


def registered_after(registered: Flags, after: State) -> Flags:
    """Whom the core system knows: whoever has opened a current account."""
    known: Flags = registered | (after.opened[:, 0] <= after.day)
    return known


WEEK = timedelta(days=DAYS_PER_WEEK)

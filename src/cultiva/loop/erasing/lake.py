"""The lake without a person: every snapshot of every date that has a row about them is written anew and exchanged.

A reader sees the old snapshot or the new one, never half of either: the new folder is sealed, then its pointer and what
was counted are written in one transaction. Who is interrupted begins with the snapshots that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cultiva.contracts.snapshots import Snapshot
from cultiva.engine.parquet import part_files, seal
from cultiva.engine.rewriting import concerned, rewrite, rewrite_part
from cultiva.execution.erasure.people import Act, Done, Order, People
from cultiva.execution.erasure.service import Erasures
from cultiva.loop.erasing.treatment import Erasing, homes_in
from cultiva.loop.parts import Parts
from cultiva.store.repositories.snapshots import publish

STEP = "erasure"
"""The step that snapshots written anew name as theirs."""
Reached = Callable[[str], None]
"""Is told every place from which an interrupted erasure is resumed."""


def erase_lake(parts: Parts, erasures: Erasures, order: Order, people: People, reached: Reached) -> None:
    """Writes every snapshot anew that has a row about the people."""
    for snapshot in parts.store.snapshots.published():
        treatment = treatment_of(parts, snapshot, people)
        if treatment is None or not concerned(part_files([parts.lake.folder(snapshot)]), treatment):
            continue
        _exchange(parts, erasures, order, snapshot, treatment)
        reached(f"lake/{snapshot.table}/{snapshot.business_date}")


def plan_lake(parts: Parts, people: People) -> Iterator[tuple[str, int]]:
    """(place, concerned rows) of every snapshot that would be written anew."""
    for snapshot in parts.store.snapshots.published():
        treatment = treatment_of(parts, snapshot, people)
        if treatment is not None:
            rows = sum(concerned(part_files([parts.lake.folder(snapshot)]), treatment).values())
            if rows:
                yield f"lake/{snapshot.table}/{snapshot.business_date}", rows


def erase_files(root: Path, files: list[Path], people: People) -> Iterator[Done]:
    """Parquet files beside the lake, one after the other, each exchanged as a whole."""
    for path in files:
        treatment = Erasing(people, path.stem, tuple(pq.read_schema(path).names), {})
        if treatment.idle or not concerned([path], treatment):
            continue
        beside = path.with_name(f".{path.name}.new")
        removed, mended = rewrite_part(path, beside, treatment)
        beside.replace(path)
        place = f"file/{path.relative_to(root).as_posix()}"
        yield Done(place, Act.REMOVED, removed)
        yield Done(place, Act.MENDED, mended)


def treatment_of(parts: Parts, snapshot: Snapshot, people: People) -> Erasing | None:
    """What is done to a snapshot; None if it could not name a person, or its files are not there."""
    folder = parts.lake.folder(snapshot)
    files = sorted(folder.glob("*.parquet"))
    if not files:
        return None
    names = tuple(pq.read_schema(files[0]).names)
    homes = dict(people.homes)
    if {"customer_id", "household_id"} <= set(names):
        homes = _homes(files, people)
    found = Erasing(people, snapshot.table, names, homes)
    return None if found.idle else found


def _homes(files: list[Path], people: People) -> dict[int, int | None]:
    """Households of a snapshot that bear an erased number, and the number they get."""
    wanted = pa.array(people.customers, pa.int64())
    tables = [pq.ParquetFile(one).read(["customer_id", "household_id"]) for one in files]
    named = [one.filter(pc.is_in(one["household_id"], value_set=wanted)) for one in tables]
    return homes_in(pa.concat_tables(named), people.customers)


def _exchange(parts: Parts, erasures: Erasures, order: Order, snapshot: Snapshot, treatment: Erasing) -> None:
    run_id = f"erasure-{order.erasure_id}"
    folder = parts.lake.stage(snapshot.table, snapshot.business_date, run_id=run_id)
    removed, mended = rewrite([parts.lake.folder(snapshot)], folder, treatment)
    made = parts.lake.snapshot(snapshot.table, snapshot.business_date, folder, seal(folder), run_id=run_id)
    place = f"lake/{snapshot.table}/{snapshot.business_date}"
    counting = erasures.counting(order, [Done(place, Act.REMOVED, removed), Done(place, Act.MENDED, mended)])
    with parts.store.database.writing() as connection:
        publish(connection, [made], step=STEP, at=parts.clock())
        counting(connection)

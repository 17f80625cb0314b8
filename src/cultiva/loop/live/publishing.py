"""The night hands over to the day: every customer's profile as it would be tomorrow goes into the hot store.

Customer by customer by comparing and replacing, while workers go on: nobody is without a profile at any moment, and
nothing that comes in meanwhile is lost. Whose fingerprint is that of the last publication, and of whom nothing came in
since, is left alone; of the others a record is written only if something in it is new.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

import msgspec

from cultiva.contracts.moments import read_hot, write_hot
from cultiva.insight.live.night import Night, bases, prints, write_night
from cultiva.insight.live.program import Program
from cultiva.insight.live.records import NO_BASE, Base, Days, Held, read_held, write_base, write_held
from cultiva.insight.live.service import Live
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.loop.live.archive import READ, begin_of
from cultiva.loop.live.ledger import PRINT, Last, Ledger, changed, print_of
from cultiva.loop.live.moving import Moves, moves_of
from cultiva.loop.live.projection import NEXT, projected_inputs
from cultiva.loop.live.replacing import replace_records
from cultiva.loop.parts import Parts
from cultiva.loop.shows import scan
from cultiva.stream.port import HotStore, Log

FOLDER = ".cultiva/live/night"
SUNDAY = 6
PUT = 2_000
"""Records compared and replaced at a time."""

Told = Callable[[int, int], None]
"""Is told how many customers of how many are done."""


@dataclass
class Published:
    """What publishing a night did."""

    label: str
    """The run's mark."""
    customers: int = 0
    """Customers of the night."""
    written: int = 0
    """Records that were new or had changed."""
    same: int = 0
    """Records that had not."""
    moved: int = 0
    """Numbers that are not used any more and say who the customer is now; or that the bank does not know any more."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long it took to build and to write."""


def publish(  # noqa: PLR0913  (where from, where to, and how)
    parts: Parts, live: Live, hot: HotStore, log: Log, on: date, *, told: Told | None = None, whole: bool = False
) -> Published:
    """Publishes the night of a business date: who has not changed since the last one is neither read nor written.

    Args:
        parts: Of the workspace.
        live: Its live profiles.
        hot: Where records are kept.
        log: Bears the run's mark; where customers were merged or split, it is read from the mark before.
        on: The business date; its run has published its profile.
        told: Is told how far the work has come.
        whole: Whether everybody's record is compared, whatever was published last.

    Raises:
        CultivaError: if the run has not finished, or has not marked the log.
    """
    _check(parts, log, on)
    folder = parts.root / FOLDER / f"{on.isoformat()}.{uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    try:
        began = seconds()
        night = write_night(parts.engine, projected_inputs(parts, on, folder), live.program, on + NEXT, folder)
        moves = moves_of(parts, live, log, on)
        ledger, now = _ledger(parts, live.program, hot), prints(night, live.program, print_of, PRINT)
        last = None if whole else _last(parts, ledger, on)
        came = came_in(log, None if last is None else last.on, on)
        only = None if last is None else changed(last, now) | came | frozenset(last.carried) | moves.since.keys()
        built = seconds()
        ledger.begin()
        done = Publisher(hot, live.program, on, moves, Published(on.isoformat())).all(night, told, only=only)
        done.moved = _leave(hot, on, moves, _gone(parts, on))
        ledger.finish(now, on, carried=came)  # a worker may still put in what the night has
        done.seconds = {"build": built - began, "write": seconds() - built}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done


@dataclass
class Publisher:
    """Writes bases into records, whatever workers do meanwhile."""

    hot: HotStore
    program: Program
    on: date
    """The night's business date."""
    moves: Moves
    """Whose records are made anew."""
    done: Published
    """Counts."""

    def all(self, night: Night, told: Told | None, *, only: frozenset[int] | None = None) -> Published:
        """Every customer, or only some, batch by batch."""
        self.done.customers = night.customers
        seen = 0 if only is None else max(night.customers - len(only), 0)
        for made in bases(night, self.program, only=only):
            ids = list(made)
            for start in range(0, len(ids), PUT):
                chosen = ids[start : start + PUT]
                self.put({customer: made[customer] for customer in chosen})
                seen += len(chosen)
                if told is not None:
                    told(min(seen, night.customers), night.customers)
        self.done.same = self.done.customers - self.done.written
        return self.done

    def put(self, made: Mapping[int, msgspec.Raw]) -> None:
        """Gives the records of some customers their base."""
        found = replace_records(
            self.hot, list(made), lambda customer, state: self._renewed(customer, state, made[customer])
        )
        self.done.written += found.written
        self.done.same += found.same

    def _renewed(self, customer: int, state: bytes | None, base: msgspec.Raw) -> bytes | None:
        """The record with the night's base; None if nothing in it is new."""
        record = read_hot(state)
        held = read_held(record.profile)
        label, day = self.on.isoformat(), self.on.toordinal()
        since = self.moves.since.get(customer)
        if since is None and bytes(held.base) == bytes(base) and not _behind(held, label, day):
            return None
        kept = renewed(held, base, self.on)
        if since is not None and held.sealed < self.moves.seal:
            later = {name: days for name, days in kept.since.items() if name >= self.moves.seal}
            kept = Held(label, day, base, {**({label: since} if since else {}), **later}, self.moves.seal)
        record.profile = write_held(kept)
        new = write_hot(record)
        return None if new == state else new


def came_in(log: Log, since: date | None, on: date) -> frozenset[int]:
    """Of whom the log has anything between two runs.

    Args:
        log: Bears the marks of both.
        since: Business date that was published last; None: everything that the log has.
        on: Business date that is being published.
    """
    found = set[int]()
    for partition in range(log.partitions):
        after, end = begin_of(log, partition, since, on), dict(_names(log, partition))[on.isoformat()]
        while after < end and (some := log.read(partition, after=after, limit=READ)):
            found.update(one.record.customer_id for one in some if one.position <= end and not one.mark)
            after = some[-1].position
    return frozenset(found)


def _last(parts: Parts, ledger: Ledger, on: date) -> Last | None:
    """What was published last, if the log still has everything since then; on Sundays everybody is compared."""
    last = ledger.last()
    kept = parts.workspace.settings.live.keep_days
    return last if last is not None and abs((on - last.on).days) < kept and on.weekday() != SUNDAY else None


def _ledger(parts: Parts, program: Program, hot: HotStore) -> Ledger:
    days = sorted((key, count) for key, count in program.measures.days.items())
    meaning = [parts.workspace.version, sorted(program.keys.items()), days]
    return Ledger(parts.root, hot, "bases", partitions=parts.workspace.settings.live.partitions, meaning=meaning)


def renewed(held: Held, base: msgspec.Raw, on: date) -> Held:
    """A customer's record with the base of a night, without what is in that base by now."""
    label, day = on.isoformat(), on.toordinal()
    since: dict[str, Days] = {}
    for name, days in held.since.items():
        kept = {number: parts for number, parts in days.items() if name >= label or number > day}
        if kept:
            since[name] = kept
    return Held(label, day, base, since, held.sealed)


def _behind(held: Held, label: str, day: int) -> bool:
    """Whether something is kept that the night has by now."""
    return any(name < label and number <= day for name, days in held.since.items() for number in days)


def _leave(hot: HotStore, on: date, moves: Moves, gone: Sequence[int]) -> int:
    """Says of numbers that are not used any more who the customer is now; the rest of their record stays."""

    def renewed_of(customer: int, state: bytes | None) -> bytes | None:
        record = read_hot(state)
        held = read_held(record.profile)
        successors = moves.now.get(customer, ())
        base = write_base(Base(moved=successors)) if successors else NO_BASE
        if bytes(held.base) == bytes(base):
            return None
        record.profile = write_held(Held(on.isoformat(), on.toordinal(), base, {}, moves.seal or held.sealed))
        return write_hot(record)

    replace_records(hot, gone, renewed_of)
    return len(gone)


def _gone(parts: Parts, on: date) -> list[int]:
    """Customers of the night before who are none any more."""
    before = parts.lake.files_before("customer", on)
    if not before:
        return []
    now = scan(parts.lake.files_current("customer", on)).select("customer_id")
    found = scan(before).select("customer_id").join(now, on="customer_id", how="anti")
    return found.collect()["customer_id"].sort().to_list()


def _check(parts: Parts, log: Log, on: date) -> None:
    if not parts.lake.files_current("profile", on):
        raise CultivaError(
            "there is no profile of this date to publish",
            code="live.no_profile",
            kind=ErrorKind.NOT_FOUND,
            seen=on,
            allowed="a business date that has been run",
            hint=f"cultiva run WORKSPACE --date {on}",
        )
    unmarked = [number for number in range(log.partitions) if on.isoformat() not in dict(_names(log, number))]
    if unmarked:
        raise CultivaError(
            "the log has no mark of this date: nobody knows what of it the run has read",
            code="live.no_mark",
            kind=ErrorKind.CONFLICT,
            seen=f"{on}, partitions {unmarked}",
            allowed="a date that was run with [live] enabled = true",
            hint=f"run {on} again with [live] enabled = true",
        )


def _names(log: Log, partition: int) -> list[tuple[str, int]]:
    return [(name, position) for position, name in log.marks(partition)]

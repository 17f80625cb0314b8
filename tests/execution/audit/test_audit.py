"""The audit on both stores: numbers without gaps whoever writes, and no change that goes unseen."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DatabaseError
from tests.execution.audit.racing import AT, Undone, write_some

from cultiva.execution.audit.chain import Anchor, Break, Entry, Line, sealed, verified
from cultiva.execution.audit.service import Audit, anchor_of, write
from cultiva.execution.tables import AUDIT
from cultiva.kit.errors import CultivaError
from cultiva.store import Store
from cultiva.store.database import Database

PROCESSES = multiprocessing.get_context("forkserver")


@pytest.fixture
def audit(store: Store) -> Audit:
    """An audit of ten lines."""
    made = Audit(store.database)
    for number in range(1, 11):
        detail = {"备注": "同意", "n": number, "share": 0.1 * number, "inner": {"b": [1, None], "a": True}}
        made.write(Entry(AT + timedelta(microseconds=number), "li", "launch.approved", f"launch:{number % 2}", detail))
    return made


def test_lines_come_back_as_they_were_written_and_hold(audit: Audit) -> None:
    lines = audit.lines()
    assert [one.number for one in lines] == list(range(1, 11))
    assert lines[0].previous == "" and all(b.previous == a.hash for a, b in pairwise(lines))
    assert lines[2].entry.at == AT + timedelta(microseconds=3)
    assert lines[2].entry.detail["share"] == 0.1 * 3
    found = audit.verify()
    assert found.whole and found.lines == 10 and found.last == Anchor(10, lines[-1].hash)


def test_lines_are_found_by_what_they_are_about(audit: Audit) -> None:
    assert [one.number for one in audit.lines(subject="launch:1")] == [1, 3, 5, 7, 9]
    assert [one.number for one in audit.lines(subject="launch:", last=2)] == [9, 10]
    assert audit.lines(subject="launch:%") == () == audit.lines(subject="lau%:")


def test_lines_are_found_by_person_action_and_time(audit: Audit) -> None:
    audit.write(Entry(AT + timedelta(hours=1), "chen", "halt.set", "halt:all"))
    assert [one.number for one in audit.lines(actor="chen")] == [11]
    assert [one.number for one in audit.lines(action="halt.")] == [11]
    assert audit.lines(action="halt") == (), "an action is a whole word, or a kind with its dot"
    assert [one.number for one in audit.lines(since=AT + timedelta(microseconds=9))] == [9, 10, 11]
    assert [one.number for one in audit.lines(since=AT, until=AT + timedelta(microseconds=3))] == [1, 2]
    assert audit.lines(actor="chen", subject="launch:1") == ()


def test_an_empty_audit_is_whole(store: Store) -> None:
    found = Audit(store.database).verify()
    assert (found.whole, found.lines, found.last) == (True, 0, None)


TAMPERINGS: dict[str, tuple[Callable[[Database], None], int, Break]] = {}
"""Name -> how somebody with the store's password tampers, the line that is named, and why."""


def without_guard(database: Database) -> None:
    """As somebody does who owns the database: its triggers refuse everybody else."""
    postgres = database.has_many_writers
    names = ("audit_no_change", "audit_no_truncate") if postgres else ("audit_no_update", "audit_no_delete")
    with database.writing() as connection:
        for name in names:
            connection.execute(text(f"drop trigger {name}" + (" on audit" if postgres else "")))


@pytest.mark.parametrize(
    "change", ["update audit set actor = 'wang' where number = 1", "delete from audit where number = 9"]
)
def test_the_database_itself_refuses_to_change_a_line(change: str, audit: Audit, store: Store) -> None:
    with pytest.raises(DatabaseError, match="append-only"), store.database.engine.begin() as connection:
        connection.execute(text(change))
    assert audit.verify().whole and audit.verify().lines == len(audit.lines())


def tampering(line: int, what: Break) -> Callable[[Callable[[Database], object]], None]:
    def note(change: Callable[[Database], object]) -> None:
        def done(database: Database) -> None:
            without_guard(database)
            with database.writing() as connection:
                connection.execute(change(database))  # type: ignore[call-overload]

        TAMPERINGS[change.__name__] = (done, line, what)

    return note


@tampering(4, Break.CONTENT)
def actor(_: Database) -> object:
    return update(AUDIT).where(AUDIT.c.number == 4).values(actor="wang")


@tampering(10, Break.CONTENT)
def instant_of_the_last(_: Database) -> object:
    return update(AUDIT).where(AUDIT.c.number == 10).values(at=datetime(2026, 1, 1, tzinfo=UTC))


@tampering(1, Break.CONTENT)
def detail(_: Database) -> object:
    return text("update audit set detail = replace(detail, '同意', '不同意') where number = 1")


@tampering(7, Break.CONTENT)
def detail_that_is_no_json(_: Database) -> object:
    return text("update audit set detail = '{' where number = 7")


@tampering(5, Break.CONTENT)
def hash_alone(_: Database) -> object:
    return update(AUDIT).where(AUDIT.c.number == 5).values(hash="0" * 64)


@tampering(3, Break.GAP)
def line_taken_out(_: Database) -> object:
    return delete(AUDIT).where(AUDIT.c.number == 3)


@tampering(1, Break.GAP)
def first_line_taken_out(_: Database) -> object:
    return delete(AUDIT).where(AUDIT.c.number == 1)


@tampering(11, Break.CHAIN)
def line_put_in(_: Database) -> object:
    line = sealed(11, Entry(AT, "wang", "launch.approved", "launch:9"), "0" * 64)
    entry = {"at": AT, "actor": "wang", "action": "launch.approved", "subject": "launch:9", "detail": {}}
    return AUDIT.insert().values(number=11, **entry, previous="0" * 64, hash=line.hash)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_somebody_has_changed_is_named(name: str, audit: Audit, store: Store) -> None:
    change, line, what = TAMPERINGS[name]
    change(store.database)
    found = audit.verify()
    assert (found.broken, found.what, found.lines) == (line, what, line - 1)
    assert len(audit.lines()) >= 9, "it can still be read"


def test_a_line_changed_together_with_its_hash_breaks_the_next_one(audit: Audit, store: Store) -> None:
    old = audit.lines()[3]
    forged = sealed(4, Entry(old.entry.at, "wang", old.entry.action, old.entry.subject, old.entry.detail), old.previous)
    without_guard(store.database)
    with store.database.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.number == 4).values(actor="wang", hash=forged.hash))
    assert (audit.verify().broken, audit.verify().what) == (5, Break.CHAIN)


def test_a_chain_sealed_anew_is_found_by_an_anchor_from_before(audit: Audit, store: Store) -> None:
    anchor = audit.verify().last
    assert anchor is not None
    previous = ""
    without_guard(store.database)
    with store.database.writing() as connection:
        for line in audit.lines():
            entry = line.entry
            who = "wang" if line.number == 2 else entry.actor
            new = sealed(line.number, Entry(entry.at, who, entry.action, entry.subject, entry.detail), previous)
            values = {"actor": who, "previous": previous, "hash": new.hash}
            connection.execute(update(AUDIT).where(AUDIT.c.number == line.number).values(values))
            previous = new.hash
    assert audit.verify().whole, "the chain alone cannot know"
    found = audit.verify(anchor)
    assert (found.broken, found.what) == (10, Break.ANCHOR)


def test_an_end_cut_off_is_found_by_an_anchor(audit: Audit, store: Store) -> None:
    anchor = audit.verify().last
    without_guard(store.database)
    with store.database.writing() as connection:
        connection.execute(delete(AUDIT).where(AUDIT.c.number > 8))
    assert audit.verify().whole, "the chain alone cannot know"
    found = audit.verify(anchor)
    assert (found.broken, found.what) == (9, Break.CUT)


def test_a_line_is_there_if_and_only_if_what_it_tells_of_is(audit: Audit, store: Store) -> None:
    with pytest.raises(Undone), store.database.writing() as connection:
        write(connection, Entry(AT, "li", "launch.stopped", "launch:1"))
        raise Undone
    assert len(audit.lines()) == 10
    assert audit.write(Entry(AT, "li", "launch.stopped", "launch:1")).number == 11


def test_racing_writers_leave_no_gap_and_lose_nothing(store: Store, store_url: str, tmp_path: Path) -> None:
    racers, lines = 6, 12
    together = PROCESSES.Barrier(racers)
    asked = [(store_url, tmp_path, together, f"racer {n}", lines) for n in range(racers)]
    processes = [PROCESSES.Process(target=write_some, args=one) for one in asked]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * racers
    found = Audit(store.database).verify()
    with store.database.reading() as connection:
        counted = connection.execute(select(AUDIT.c.actor, func.count()).group_by(AUDIT.c.actor)).all()
        by_actor = {row[0]: row[1] for row in counted}
    assert by_actor == {f"racer {n}": lines * 2 // 3 for n in range(racers)}
    assert found.whole and found.lines == racers * lines * 2 // 3


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry(AT, " ", "launch.approved", "launch:1"), "audit.bad_actor"),
        (Entry(AT, "x" * 101, "launch.approved", "launch:1"), "audit.bad_actor"),
        (Entry(AT, "li", "", "launch:1"), "audit.bad_action"),
        (Entry(AT, "li", "launch.approved", "x" * 201), "audit.bad_subject"),
    ],
)
def test_an_entry_without_a_name_is_refused(entry: Entry, code: str, store: Store) -> None:
    with pytest.raises(CultivaError) as refused:
        Audit(store.database).write(entry)
    assert refused.value.code == code
    assert [name for name, _ in refused.value.parts()] == ["seen", "allowed", "do"]


def test_an_anchor_is_read_as_it_is_printed() -> None:
    anchor = Anchor(7, "ab" * 32)
    assert anchor_of(f" {anchor}\n") == anchor
    for wrong in ("", "7", "7:xyz", f"x:{anchor.hash}", f"7:{anchor.hash}0"):
        with pytest.raises(CultivaError):
            anchor_of(wrong)


details = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
entries = st.builds(
    Entry,
    at=st.datetimes(timezones=st.just(UTC)),
    actor=st.text(min_size=1, max_size=4),
    action=st.sampled_from(["launch.approved", "halt.set"]),
    subject=st.text(min_size=1, max_size=4),
    detail=st.dictionaries(st.text(max_size=3), details, max_size=3),
)


def _chain(told: list[Entry]) -> list[Line]:
    lines: list[Line] = []
    for number, entry in enumerate(told, 1):
        lines.append(sealed(number, entry, lines[-1].hash if lines else ""))
    return lines


@settings(deadline=None)
@given(st.lists(entries, max_size=6))
def test_every_chain_that_was_written_holds(told: list[Entry]) -> None:
    found = verified(_chain(told))
    assert found.whole and found.lines == len(told)


@settings(deadline=None)
@given(st.lists(entries, min_size=1, max_size=6), st.data())
def test_no_line_can_be_exchanged_for_another_one(told: list[Entry], data: st.DataObject) -> None:
    lines = _chain(told)
    place = data.draw(st.integers(0, len(lines) - 1))
    other = data.draw(entries)
    changed = Line(place + 1, other, lines[place].previous, lines[place].hash)
    if sealed(place + 1, other, "").entry == lines[place].entry:
        return
    found = verified([*lines[:place], changed, *lines[place + 1 :]])
    assert (found.broken, found.what) == (place + 1, Break.CONTENT)

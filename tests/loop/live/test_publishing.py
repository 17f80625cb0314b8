"""A night is published while workers go on: nothing is lost, nobody is without a profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.insight.bank import smallbank

from cultiva.contracts.moments import HotRecord, read_hot, write_hot
from cultiva.insight.live.program import Program, program_of
from cultiva.insight.live.records import Base, Held, read_base, read_held, write_base, write_held
from cultiva.kit.errors import CultivaError
from cultiva.loop.live.moving import Moves
from cultiva.loop.live.publishing import Published, Publisher
from cultiva.stream.embedded_hot import EmbeddedHotStore

ON = date(1994, 4, 1)
DAY, BEFORE = ON.toordinal(), ON.toordinal() - 1
OLD, NEW = "1994-03-31", "1994-04-01"


class Meddled(EmbeddedHotStore):
    """A hot store in which a worker is faster so many times."""

    times = 0

    def put(self, states: Mapping[int, tuple[bytes | None, bytes]]) -> list[int]:
        if self.times:
            self.times -= 1
            for customer in states:
                (state,) = self.get([customer])
                assert super().put({customer: (state, folded(state))}) == []
        return super().put(states)


def folded(state: bytes | None) -> bytes:
    """One more event of the day that the night does not have, one that it has, one of tomorrow before the mark."""
    record = read_hot(state)
    held = read_held(record.profile)
    for label, day in ((OLD, DAY), (NEW, DAY + 1), (OLD, DAY + 1)):
        parts = held.since.setdefault(label, {}).setdefault(day, {"m": 0})
        parts["m"] += 1
    record.profile, record.triggers = write_held(held), msgspec.Raw(b"\x07")
    return write_hot(record)


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[Meddled]:
    store = Meddled(tmp_path / "hot.db", partitions=2)
    yield store
    store.close()


@pytest.fixture(scope="module")
def program() -> Program:
    return program_of(smallbank())


def published(hot: Meddled, program: Program, made: Mapping[int, Base], **more: Any) -> Published:
    publisher = Publisher(hot, program, ON, Moves(**more), Published(NEW))
    publisher.put({customer: write_base(base) for customer, base in made.items()})
    return publisher.done


def held_of(hot: Meddled, customer: int) -> Held:
    (state,) = hot.get([customer])
    return read_held(read_hot(state).profile)


def test_what_comes_in_while_a_record_is_replaced_stays(hot: Meddled, program: Program) -> None:
    old = HotRecord(write_held(Held(OLD, BEFORE, write_base(Base({1: "old"})), {})))
    hot.put({7: (None, write_hot(old))})
    hot.times = 3
    done = published(hot, program, {7: Base({1: "new"}), 8: Base({1: "first"})})
    assert (done.written, done.same) == (2, 0)
    for customer, value in ((7, "new"), (8, "first")):
        held = held_of(hot, customer)
        base = read_base(held.base)
        assert base is not None and base.values == {1: value}
        assert (held.label, held.day) == (NEW, DAY)
        assert held.since == {NEW: {DAY + 1: {"m": 3}}, OLD: {DAY + 1: {"m": 3}}}, "what the base has is left out"
    (state,) = hot.get([7])
    assert bytes(read_hot(state).triggers) == b"\x07", "the other parts stay"


def test_a_record_is_not_written_if_nothing_in_it_is_new(hot: Meddled, program: Program) -> None:
    bases = {7: Base({1: "a"}), 8: Base({1: "b"})}
    published(hot, program, bases)
    states = hot.get([7, 8])
    again = published(hot, program, {**bases, 9: Base()})
    assert (again.written, again.same) == (1, 2)
    assert hot.get([7, 8]) == states


def test_an_event_that_the_night_refused_is_dropped_though_the_base_is_the_same(hot: Meddled, program: Program) -> None:
    base = write_base(Base({1: "a"}))
    hot.put({7: (None, write_hot(HotRecord(write_held(Held(OLD, BEFORE, base, {OLD: {DAY: {"m": 1}}})))))})
    assert published(hot, program, {7: Base({1: "a"})}).written == 1
    assert held_of(hot, 7).since == {}


def test_a_store_that_never_rests_is_told(hot: Meddled, program: Program) -> None:
    hot.times = 1_000
    with pytest.raises(CultivaError, match="faster"):
        published(hot, program, {7: Base()})


def test_whoever_was_merged_gets_what_the_log_says_once(hot: Meddled, program: Program) -> None:
    seal = f"{NEW}+identity"
    waiting = Held(OLD, BEFORE, write_base(Base()), {NEW: {DAY: {"m": 5}}, f"{seal}": {DAY: {"m": 2}}})
    hot.put({7: (None, write_hot(HotRecord(write_held(waiting))))})
    moved = {"seal": seal, "since": {7: {DAY: {"m": 9}}}}
    published(hot, program, {7: Base()}, **moved)
    held = held_of(hot, 7)
    assert held.since == {NEW: {DAY: {"m": 9}}, seal: {DAY: {"m": 2}}}
    assert held.sealed == seal
    assert published(hot, program, {7: Base()}, **moved).same == 1

"""What came in live reaches the tables of exactly one run, whatever its day, through the real ingestion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.memory_log import MemoryLog
from tests.insight.sources.conftest import Bank, rows_of

from cultiva.contracts.moments import Moment, write_moment
from cultiva.contracts.snapshots import Snapshot
from cultiva.insight.sources.service import ingest
from cultiva.loop.live.archive import deliver, with_events
from cultiva.loop.parts import Parts
from cultiva.stream.port import Record

FIRST = date(2026, 11, 20)
ZONE = ZoneInfo("Asia/Shanghai")


class Live:
    """A bank that is told of events live, and runs."""

    def __init__(self, root: Path, bank_delivers: str = "") -> None:
        self.bank = Bank(root)
        self.bank.deliver("party.csv", "system,id,kind\ncore,C1,person\ncore,C2,person\n")
        columns = {"source_system": "system", "source_id": "id", "party_type": "kind"}
        self.bank.inputs += [{"name": "party", "file": "party.csv"}]
        self.bank.tables += [{"table": "party", "name": "core", "from": "party", "columns": columns}]
        if bank_delivers:
            self.bank.deliver("event.csv", bank_delivers)
            same = ("event_id", "source_system", "source_id", "at", "name", "channel", "properties")
            self.bank.inputs += [{"name": "event", "file": "event.csv"}]
            self.bank.tables += [
                {"table": "event", "name": "core", "from": "event", "columns": {name: name for name in same}}
            ]
        self.log = MemoryLog()

    @property
    def parts(self) -> Parts:
        nothing: Any = None
        return Parts(self.bank.workspace, nothing, self.bank.lake, nothing, nothing)

    def happens(self, name: str, at: datetime, **more: Any) -> None:
        """Something is accepted now; `at` is the bank's local time."""
        moment = Moment(
            message_id=name, customer_id=more.get("customer_id", 1), name="loan_started",
            at=at.replace(tzinfo=ZONE).astimezone(UTC), day=at.date(), received=datetime.now(UTC),
            source_system=more.get("system", "core"), source_id=more.get("source_id", "C1"), channel="app",
            properties={"amount": 1.5, "product": '说"L1"'},
        )  # fmt: skip
        self.log.append([Record(name, moment.customer_id, write_moment(moment))])

    def run(self, on: date, *, finished: bool = True) -> Sequence[Any]:
        """The run of a date; what of events it published. An unfinished one dies before it has published anything."""
        parts = with_events(self.parts, self.log, on)
        if not finished:
            return []
        found = ingest(parts.workspace, on, self.bank.lake, run_id=f"run-{on}")
        self.bank.catalogue.publish(found.snapshots)
        self._identity(on)
        table = found.tables.get("event")
        return [] if table is None else rows_of(self.bank.lake.folder(table.snapshot))

    def _identity(self, on: date) -> None:
        folder = self.bank.lake.stage("identity_map", on, run_id=f"run-{on}")
        rows = [(1, "core", "C1"), (1, "crm", "R1"), (2, "core", "C2")]
        pl.DataFrame(rows, schema=["customer_id", "source_system", "source_id"], orient="row").write_parquet(
            folder / "part-0.parquet"
        )
        path = str(folder.relative_to(self.bank.lake.root))
        self.bank.catalogue.publish([Snapshot("identity_map", on, path, 3, 1, "x", f"run-{on}")])

    def delivered(self, on: date, *, finished: bool) -> list[str]:
        """What the run of a date would be given, without reading it in."""
        files = deliver(self.parts, self.log, on).glob("part-*.parquet")
        if not finished:
            return []
        self._identity(on)
        return [name for path in files for name in pl.read_parquet(path)["event_id"]]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def noon(number: int, hour: int = 12) -> datetime:
    return datetime.combine(day(number), datetime.min.time()) + timedelta(hours=hour)


def ids(rows: Sequence[Any]) -> list[str]:
    return sorted(row["event_id"] for row in rows)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    yield Live(tmp_path)


def test_what_stands_before_the_mark_is_in_the_run_and_what_stands_after_it_in_the_next(live: Live) -> None:
    live.happens("a", noon(0))
    found = live.run(day(0))
    assert [(row["event_id"], row["source_system"], row["source_id"], row["at"], row["name"]) for row in found] == [
        ("a", "core", "C1", noon(0), "loan_started")
    ]
    assert (found[0]["channel"], found[0]["properties"]) == ("app", '{"amount":1.5,"product":"说\\"L1\\""}')
    live.happens("late", noon(-3))
    live.happens("b", noon(1))
    assert ids(live.run(day(1))) == ["b", "late"]
    assert ids(live.run(day(2))) == []


def test_what_happens_after_midnight_while_the_run_has_not_begun_waits_for_its_own_day(live: Live) -> None:
    live.happens("a", noon(0))
    live.happens("next day", noon(1, hour=1))
    assert ids(live.run(day(0))) == ["a"]
    assert ids(live.run(day(1))) == ["next day"]


def test_what_is_far_ahead_is_held_over_several_runs(live: Live) -> None:
    live.happens("a", noon(2))
    assert ids(live.run(day(0))) == ids(live.run(day(1))) == []
    assert ids(live.run(day(2))) == ["a"]
    assert ids(live.run(day(3))) == []


def test_a_run_that_is_made_again_reads_the_same(live: Live) -> None:
    live.happens("a", noon(0))
    first = live.run(day(0))
    live.happens("b", noon(0))
    assert live.run(day(0)) == first
    assert ids(live.run(day(1))) == ["b"]


def test_a_run_that_never_ended_leaves_its_events_to_the_next(live: Live) -> None:
    live.happens("a", noon(0))
    live.run(day(0))
    live.happens("b", noon(1))
    live.run(day(1), finished=False)
    live.happens("c", noon(2))
    assert ids(live.run(day(2))) == ["b", "c"]


def test_a_delivery_that_was_cut_off_is_written_anew(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.happens("a", noon(0))
    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_parquet", _full)
        with pytest.raises(OSError, match="disk"):
            deliver(live.parts, live.log, day(0))
    live.happens("b", noon(0))
    assert ids(live.run(day(0))) == ["a"]


def _full(*_: object, **__: object) -> None:
    raise OSError("disk is full")


def test_moments_without_a_party_record_go_to_the_customer_s_first(live: Live) -> None:
    live.run(day(0))
    live.happens("of 1", noon(1), source_id="", system="")
    live.happens("of 2", noon(1), source_id="", system="", customer_id=2)
    live.happens("of nobody", noon(1), source_id="", system="", customer_id=77)
    live.happens("named", noon(1), source_id="R1", system="crm")
    found = live.run(day(1))
    assert sorted((row["event_id"], row["source_system"], row["source_id"]) for row in found) == [
        ("named", "crm", "R1"),
        ("of 1", "core", "C1"),
        ("of 2", "core", "C2"),
    ]


def test_an_event_that_the_bank_delivers_too_counts_once(tmp_path: Path) -> None:
    lines = [
        "event_id,source_system,source_id,at,name,channel,properties",
        f"a,core,C1,{noon(0)},loan_started,app,",
        f"b,core,C1,{noon(0)},loan_started,app,",
    ]
    live = Live(tmp_path, "\n".join(lines) + "\n")
    live.happens("a", noon(0))
    live.happens("c", noon(0))
    assert ids(live.run(day(0))) == ["a", "b", "c"]


def test_a_bank_without_live_events_reads_what_it_always_read(live: Live) -> None:
    assert with_events(live.parts, live.log, day(0)).workspace.sources == live.parts.workspace.sources
    assert with_events(live.parts, live.log, day(1), write=False).workspace.sources == live.parts.workspace.sources
    assert [name for _, name in live.log.marks(0)] == [day(0).isoformat()]


STEPS = st.lists(
    st.tuples(st.integers(-2, 6), st.integers(0, 23), st.booleans(), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_event_is_in_one_run_and_none_before_its_day(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, bool, bool]]
) -> None:
    """Events of any day, runs that end and runs that do not, in any order: each in the first run that may have it."""
    live = Live(tmp_path_factory.mktemp("drawn"))
    seen: dict[str, date] = {}
    told: dict[str, int] = {}
    today = 0
    for number, (of_day, hour, runs, ends) in enumerate(steps):
        live.happens(f"e{number:02}", noon(of_day, hour), customer_id=number)
        told[f"e{number:02}"] = of_day
        if runs:
            seen |= dict.fromkeys(live.delivered(day(today), finished=ends), day(today))
            today += 1
    last = max(today, *told.values())
    found = live.delivered(day(last), finished=True)
    assert len(found) == len(set(found))
    assert not set(found) & set(seen)
    seen |= dict.fromkeys(found, day(last))
    assert seen.keys() == told.keys()
    assert all(day(told[name]) <= on for name, on in seen.items())
